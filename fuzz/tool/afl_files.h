// What afl-fuzz writes into its output folder, as far as a campaign wants to know it. All of it is
// read while afl-fuzz may be writing: what is cut short counts as not there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

struct AflStats {
  uint64_t executions = 0;
  uint64_t edges = 0;
  uint64_t corpus = 0;
  uint64_t rss_mb = 0;
  std::optional<double> stability;  // percent
};

// The file fuzzer_stats: lines `name : value`. Versions differ in which they have.
AflStats parse_fuzzer_stats(std::string_view text);

// The last line of the file plot_data, whose first one names the columns. Nothing: no line yet.
std::optional<AflStats> parse_plot_data(std::string_view text);

// What the name of a file in queue/, crashes/ or hangs/ tells:
// id:000012,src:000003,time:4567,execs:890,op:havoc,rep:2
struct AflName {
  uint64_t id = 0;
  double seconds = 0;  // from the start
  uint64_t executions = 0;
  bool from_input = false;  // one of those that it started from
};
// Nothing: not such a name.
std::optional<AflName> parse_afl_name(std::string_view name);

}  // namespace tool
