#include "fuzz/tool/regression.h"

#include <fmt/format.h>

#include "fuzz/targets/text_form.h"
#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"
#include "fuzz/tool/sha1.h"
#include "fuzz/tool/signature.h"
#include "fuzz/tool/strings.h"

namespace tool {
namespace {

constexpr std::string_view kMinimized = "# Minimized from ";

// One line of a comment, whatever it holds.
std::string comment_line(const std::string& text) { return "# " + printable(trim(text)) + "\n"; }

bool is_about_the_finding(std::string_view line, const std::string& verdict) {
  line = trim(line);
  return line.starts_with("# fencebench:") || line.starts_with("# Found by ") ||
         line.starts_with("# Not seen again ") || line == "# " + verdict;
}

}  // namespace

std::string regression_name(const FindingComment& comment, const std::string& title,
                            const std::vector<uint8_t>& bytes) {
  return finding_name(title.empty() ? comment.verdict : title,
                      {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
}

std::string regression_text(FindingComment comment, const std::string& title,
                            const std::string& from, const std::string& text) {
  if (comment.signature.empty()) {
    if (auto verdict = verdict_from_text(comment.verdict)) {
      comment.signature = signature_of(*verdict, {}, comment.target).id;
    }
  }
  comment.defect.clear();
  comment.trace.clear();
  comment.seed.reset();
  std::string file = format_comment(comment) + "\n";
  if (!trim(title).empty()) file += comment_line(title);
  file += comment_line(from);
  std::vector<std::string> lines = split(text, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  for (const std::string& line : lines) {
    if (!is_about_the_finding(line, comment.verdict)) file += line + "\n";
  }
  return file;
}

std::optional<fs::path> stored_already(const Project& project, const Input& input) {
  for (const std::string& folder :
       {input.comment.target, std::string("defects"), std::string("regressions")}) {
    const fs::path below = project.root() / "corpus" / folder;
    for (const std::string& name : files_in(below)) {
      try {
        const Input other = load_input(below / name);
        if (other.comment.target == input.comment.target && other.bytes == input.bytes) {
          return below / name;
        }
      } catch (const UsageError&) {
        continue;  // the tests say so
      }
    }
  }
  return {};
}

bool is_minimized(const std::string& text) {
  for (const std::string& line : split(text, '\n')) {
    if (std::string_view(line).starts_with(kMinimized)) return true;
  }
  return false;
}

}  // namespace tool
