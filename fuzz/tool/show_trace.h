// show --trace, --html and --diff: what a run did.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fuzz/tool/run_request.h"

namespace tool {

struct TraceRequest {
  std::vector<std::string> files;  // one, or two to compare
  RunFlags flags;
  std::string schedule;            // empty: the input's own
  std::optional<std::string> out;  // of the page
  bool html = false;
  bool diff = false;
  bool all = false;
  bool json = false;
};

// Executes and shows. Returns the exit code: of a comparison 1 if the runs part, else 1 if
// something was found.
int show_trace(const TraceRequest& request);

}  // namespace tool
