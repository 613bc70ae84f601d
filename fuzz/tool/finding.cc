#include "fuzz/tool/finding.h"

#include <fmt/format.h>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kMark = "# fencebench:";

std::string quotable(std::string_view text) {
  std::string out = printable(text);
  for (char& c : out) {
    if (c == '"') c = '\'';
  }
  return out;
}

// A value without quotes ends at a blank.
std::string word(std::string_view text) {
  std::string out = quotable(text);
  for (char& c : out) {
    if (c == ' ' || c == '\t') c = '_';
  }
  return out;
}

void set_field(FindingComment& comment, std::string_view key, std::string_view value) {
  if (key == "target") comment.target = value;
  if (key == "sanitizer") comment.sanitizer = value;
  if (key == "defect") comment.defect = value;
  if (key == "checks") comment.checks = value;
  if (key == "seed") comment.seed = to_number(value);
  if (key == "trace") comment.trace = value;
  if (key == "found") comment.found = value;
  if (key == "commit") comment.commit = value;
  if (key == "signature") comment.signature = value;
  if (key == "verdict") comment.verdict = value;
}

FindingComment parse_fields(std::string_view fields) {
  FindingComment comment;
  while (true) {
    fields = trim(fields);
    size_t equals = fields.find('=');
    if (equals == std::string_view::npos) return comment;
    std::string_view key = fields.substr(0, equals);
    fields.remove_prefix(equals + 1);
    bool quoted = fields.starts_with('"');
    if (quoted) fields.remove_prefix(1);
    size_t end = fields.find(quoted ? '"' : ' ');
    set_field(comment, key, fields.substr(0, end));
    if (end == std::string_view::npos) return comment;
    fields.remove_prefix(end + 1);
  }
}

}  // namespace

std::string format_comment(const FindingComment& comment) {
  std::string line = fmt::format("{} target={}", kMark, word(comment.target));
  auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) line += fmt::format(" {}={}", key, word(value));
  };
  add("sanitizer", comment.sanitizer);
  add("defect", comment.defect);
  add("checks", comment.checks);
  if (comment.seed) line += fmt::format(" seed={}", *comment.seed);
  add("trace", comment.trace);
  add("found", comment.found);
  add("commit", comment.commit);
  add("signature", comment.signature);
  if (!comment.verdict.empty()) line += fmt::format(" verdict=\"{}\"", quotable(comment.verdict));
  return line;
}

std::optional<FindingComment> parse_comment(std::string_view text) {
  for (const std::string& line : split(text, '\n')) {
    std::string_view view = trim(line);
    if (view.starts_with(kMark)) return parse_fields(view.substr(kMark.size()));
  }
  return {};
}

nlohmann::json to_json(const FindingComment& comment) {
  nlohmann::json json = {{"target", comment.target},
                         {"sanitizer", comment.sanitizer},
                         {"checks", comment.checks},
                         {"verdict", printable(comment.verdict)}};
  if (!comment.defect.empty()) json["defect"] = comment.defect;
  if (comment.seed) json["seed"] = *comment.seed;
  auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) json[key] = printable(value);
  };
  add("trace", comment.trace);
  add("found", comment.found);
  add("commit", comment.commit);
  add("signature", comment.signature);
  return json;
}

FindingComment comment_from_json(std::string_view text, const std::filesystem::path& path) {
  try {
    nlohmann::json json = nlohmann::json::parse(text);
    FindingComment comment;
    comment.target = json.at("target").get<std::string>();
    comment.sanitizer = json.value("sanitizer", "");
    comment.defect = json.value("defect", "");
    comment.checks = json.value("checks", "");
    if (json.contains("seed")) comment.seed = json.at("seed").get<uint64_t>();
    comment.trace = json.value("trace", "");
    comment.verdict = json.value("verdict", "");
    comment.found = json.value("found", "");
    comment.commit = json.value("commit", "");
    comment.signature = json.value("signature", "");
    return comment;
  } catch (const nlohmann::json::exception& error) {
    throw UsageError(fmt::format("{} does not say how the input was run: {}",
                                 printable(path.string()), printable(error.what())));
  }
}

std::filesystem::path sidecar_of(const std::filesystem::path& input) {
  std::filesystem::path path = input;
  return path.replace_extension(".json");
}

std::string utc_now() { return utc_time(std::time(nullptr)); }

std::string utc_time(std::time_t time) {
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec);
}

std::string finding_name(std::string_view verdict, std::string_view content) {
  constexpr size_t kLongestVerdict = 60;
  auto hash = static_cast<uint32_t>(content_hash(content) ^ content_hash(content) >> 32);
  return fmt::format("{}-{:08x}", slug(verdict, kLongestVerdict), hash);
}

}  // namespace tool
