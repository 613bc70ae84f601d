// What `repro` says of a finding below its report: what, where, whether it is still there, and how
// to go on, in a few lines.
#pragma once

#include <string>
#include <vector>

#include "fuzz/tool/finding.h"
#include "fuzz/tool/presence.h"

namespace tool {

struct ReproScreen {
  FindingComment recorded;
  Presence presence = Presence::kGone;
  Signature now;         // its id is empty if there was no report
  std::string revision;  // of the checkout; empty without git
  std::string replay;    // commands
  std::string minimize;
};

// One line each, without line ends.
std::vector<std::string> screen_lines(const ReproScreen& screen);

// "still there at abc1234"
std::string presence_text(const ReproScreen& screen);

// The lines of a report that fit a screen: its beginning and its SUMMARY, and how many are left
// out.
std::vector<std::string> shortened(const std::vector<std::string>& report, size_t most);

}  // namespace tool
