// Whether a finding is still there: what an execution came to, against what was recorded.
#pragma once

#include <string>

#include "fuzz/tool/finding.h"
#include "fuzz/tool/replay.h"
#include "fuzz/tool/signature.h"

namespace tool {

enum class Presence {
  kThere,    // the same bug
  kAnother,  // it ends in something, but not in that
  kGone,     // it ends in nothing
};

// By signature, or, if none is recorded (or by other rules), by verdict without lines. Where
// neither is recorded any finding counts.
Presence presence_of(const FindingComment& recorded, const Outcome& now);

// Of what the execution ended in; its id is empty if it ended without a report.
Signature signature_of(const Outcome& now, std::string_view target);

}  // namespace tool
