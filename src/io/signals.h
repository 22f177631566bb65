#pragma once
// Signals as events of a loop (signalfd). Block them in main before any thread starts: a signal
// that some thread does not block is delivered there and never reaches the loop.
#include <initializer_list>
#include <memory>

#include "base/result.h"
#include "io/callback.h"
#include "io/loop.h"

namespace headgate::io {

// For the calling thread and all that it starts afterwards.
void block_signals(std::initializer_list<int> signals);

class Signals {
 public:
  // Blocks the signals for this thread too. The callback gets the signal's number, once for each
  // delivery; the kernel merges equal signals that arrive before the loop turns.
  static Result<std::unique_ptr<Signals>> make(Loop& loop, std::initializer_list<int> signals,
                                               Callback<int> on_signal);
  ~Signals();

 private:
  class Handler;
  Signals(Loop& loop, std::unique_ptr<Handler> handler);
  Loop& loop_;
  std::unique_ptr<Handler> handler_;
};

}  // namespace headgate::io
