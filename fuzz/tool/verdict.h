// What a child died of, read from what it printed.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tool {

struct Verdict {
  std::string detector;  // "fencebench", "AddressSanitizer", "LeakSanitizer", ..., "libFuzzer"
  std::string kind;      // "reference-leak", "heap-use-after-free", "data-race", "timeout"
  std::string place;     // what the detector says of the place; may be empty
  std::string summary;   // the SUMMARY line it was read from, without addresses and build ids

  // One line for people, file names and comparison: our own verdicts as they are
  // ("reference-leak fence_driver held by fence_drv_array"), others with their detector in front.
  std::string text() const;
  bool operator==(const Verdict& other) const { return text() == other.text(); }
};

// The verdict of a report (its lines without line ends), or nothing if there is none. A verdict of
// ours or of a sanitizer wins over libFuzzer's "deadly signal", which follows from it. Places below
// `root` are given relative to it.
std::optional<Verdict> judge(const std::vector<std::string>& report,
                             const std::filesystem::path& root);

// The lines of our own report below its headline, up to a stack; empty for others' reports.
std::vector<std::string> report_details(const std::vector<std::string>& report);

// One frame of a stack as the sanitizers print it.
struct Frame {
  std::string function;  // without its parameters
  std::string file;      // empty if unknown
  int line = 0;
};
std::optional<Frame> parse_frame(std::string_view text);

}  // namespace tool
