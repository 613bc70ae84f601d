// A finding on disk: an input that a person can read, what it ended in, and how to run it again.
#pragma once

#include <cstdint>
#include <ctime>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace tool {

// How an input was run and what came of it. In a .fence file it is the comment line
//   # fencebench: target=userq_fuzzer sanitizer=asan checks=all seed=1 trace=0x... found=...
//   commit=abc1234 signature=1a2b3c4d5e verdict="..."
// and beside raw bytes (NAME.bin) the file NAME.json.
struct FindingComment {
  std::string target;
  std::string sanitizer;
  std::string defect;  // empty: the plain core
  std::string checks;
  std::optional<uint64_t> seed;
  std::string trace;    // "0x..." or empty
  std::string verdict;  // Verdict::text(), or empty
  // Where and when it was found; empty if that is not known. Nothing that is executed depends on
  // it.
  std::string found{};      // UTC, "2026-11-20T16:05:00Z"
  std::string commit{};     // "abc1234", with "-dirty" if the sources differed from it
  std::string signature{};  // Signature::id

  bool operator==(const FindingComment&) const = default;
};

// The comment line, without a line end. What could end a field or the line is replaced.
std::string format_comment(const FindingComment& comment);

// The first such line of a .fence text, or nothing. Fields it does not know are passed over.
std::optional<FindingComment> parse_comment(std::string_view text);

nlohmann::json to_json(const FindingComment& comment);
// UsageError, naming `path`, if the text is not what to_json() gives.
FindingComment comment_from_json(std::string_view text, const std::filesystem::path& path);

// The file that says how the raw bytes of `input` were run, whether it exists or not.
std::filesystem::path sidecar_of(const std::filesystem::path& input);

// A time as FindingComment::found has it, and now.
std::string utc_time(std::time_t time);
std::string utc_now();

// "reference-leak-fence-driver-1a2b3c4d": names the files of a finding, by verdict and content.
std::string finding_name(std::string_view verdict, std::string_view content);

}  // namespace tool
