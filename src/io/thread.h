#pragma once
// Names and places threads.
#include <string>

namespace headgate::io {

void name_thread(const std::string& name);  // at most 15 characters are kept
void pin_thread(int cpu);                   // best effort
int allowed_cpu(int index);                 // the index-th CPU of the process's affinity, wrapping around; -1 unknown
void block_signals();                       // of the calling thread: they go to the control thread

}  // namespace headgate::io
