#include "fuzz/tool/presence.h"

namespace tool {

Signature signature_of(const Outcome& now, std::string_view target) {
  return now.verdict ? signature_of(*now.verdict, now.report, target) : Signature{};
}

Presence presence_of(const FindingComment& recorded, const Outcome& now) {
  if (now.clean()) return Presence::kGone;
  if (recorded.verdict.empty() && recorded.signature.empty()) return Presence::kThere;
  // It died without a report: then that is what must have been recorded.
  if (!now.verdict) {
    return recorded.verdict == now.text() ? Presence::kThere : Presence::kAnother;
  }
  if (signature_of(now, recorded.target).id == recorded.signature) return Presence::kThere;
  const std::optional<Verdict> verdict = verdict_from_text(recorded.verdict);
  const bool same = verdict && signature_of(*verdict, {}, recorded.target).id ==
                                   signature_of(*now.verdict, {}, recorded.target).id;
  return same ? Presence::kThere : Presence::kAnother;
}

}  // namespace tool
