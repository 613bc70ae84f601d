#include "fuzz/tool/repro_screen.h"

#include <fmt/format.h>

#include <algorithm>

#include "fuzz/tool/strings.h"

namespace tool {
namespace {

std::string found_where(const FindingComment& recorded) {
  std::string text;
  if (!recorded.commit.empty()) text += " at " + printable(recorded.commit);
  if (!recorded.sanitizer.empty()) text += " by " + printable(recorded.sanitizer);
  if (!recorded.found.empty()) text += " on " + printable(recorded.found);
  return text;
}

}  // namespace

std::string presence_text(const ReproScreen& screen) {
  const std::string here = screen.revision.empty() ? "here" : "at " + screen.revision;
  const std::string found = found_where(screen.recorded);
  const std::string was = found.empty() ? "" : ": was found" + found;
  switch (screen.presence) {
    case Presence::kThere:
      return "still there " + here;
    case Presence::kAnother:
      return "another one " + here + was;
    case Presence::kGone:
      break;
  }
  const bool finding = !screen.recorded.verdict.empty() || !found.empty();
  return finding ? "no longer there " + here + was : "nothing there " + here;
}

std::vector<std::string> screen_lines(const ReproScreen& screen) {
  std::vector<std::string> lines;
  const bool known_now = !screen.now.id.empty();
  // Our own reports say in words where it happened; the stack of a sanitizer is long.
  if (known_now && screen.now.detector != "fencebench" && !screen.now.frames.empty()) {
    lines.push_back("where    " + join(screen.now.frames, "\n         "));
  }
  const std::string id = known_now ? screen.now.id : printable(screen.recorded.signature);
  if (!id.empty()) {
    lines.push_back(
        fmt::format("bug      {}{}", id, known_now ? "  " + screen.now.text() : "  (as recorded)"));
  }
  lines.push_back("here     " + presence_text(screen));
  const bool knows_when = !screen.recorded.commit.empty() || !screen.recorded.found.empty();
  if (screen.presence == Presence::kThere && knows_when) {
    lines.push_back("found   " + found_where(screen.recorded));
  }
  lines.push_back("replay   " + printable(screen.replay));
  if (screen.presence != Presence::kGone) {
    lines.push_back("minimize " + printable(screen.minimize));
  }
  return lines;
}

std::vector<std::string> shortened(const std::vector<std::string>& report, size_t most) {
  if (report.size() <= most) return report;
  std::vector<std::string> lines(report.begin(), report.begin() + static_cast<long>(most) - 2);
  const auto summary = std::find_if(report.begin(), report.end(), [](const std::string& line) {
    return line.starts_with("SUMMARY: ");
  });
  const bool cut_off =
      summary != report.end() && static_cast<size_t>(summary - report.begin()) >= lines.size();
  const size_t left_out = report.size() - lines.size() - (cut_off ? 1 : 0);
  lines.push_back(fmt::format("    ... {} more lines; --report prints all of it", left_out));
  if (cut_off) lines.push_back(*summary);
  return lines;
}

}  // namespace tool
