// What the fuzzer learns from a run besides the code it covered: which operations were under way on
// one object at the same time, and which state followed which. As libFuzzer's extra counters, or as
// edges to an engine that has no such thing (AFL++), one each.
#pragma once

#include <cstddef>
#include <cstdint>

// Kinds of operations that are told apart.
inline constexpr unsigned kFeedbackKinds = 40;

// From now on. `kind_of` gives the kind of the operation with that tag, below kFeedbackKinds.
void give_feedback(unsigned (*kind_of)(uint32_t tag));
// Around each run of an input; the latter also keeps where the run had conflicts
// (conflict_points.h). Both do nothing before give_feedback().
void feedback_run_begins();
void feedback_run_ends(const uint8_t* data, size_t size);
