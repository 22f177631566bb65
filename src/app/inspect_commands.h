#pragma once
// `headgate check` and `headgate docs`: commands that read and print, and serve nothing.
#include "app/options.h"

namespace headgate::app {

int check(const CheckOptions& options);
int print_docs(const DocsOptions& options);

}  // namespace headgate::app
