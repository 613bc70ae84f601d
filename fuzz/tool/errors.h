// How the command fails: exit codes, and the two kinds of error a person can act on.
#pragma once

#include <stdexcept>

namespace tool {

enum ExitCode : int {
  kNothingFound = 0,
  kFound = 1,
  kWrongUsage = 2,
  kEnvironmentAtFault = 3,
};

// The command line or a file named on it is wrong. One line; it names the nearest right thing.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The machine or the checkout is at fault: a tool is missing, a build fails, a folder cannot be
// written. One line; it says what to do.
struct EnvironmentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Not an error: the help was asked for and has been printed.
struct HelpPrinted {};

}  // namespace tool
