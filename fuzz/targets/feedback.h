// What the fuzzer learns from a run besides the code it covered: which operations were under way on
// one object at the same time, and which state followed which. As libFuzzer's extra counters, a
// counter each.
#pragma once

#include <cstdint>

// Kinds of operations that are told apart.
inline constexpr unsigned kFeedbackKinds = 40;

// From now on. `kind_of` gives the kind of the operation with that tag, below kFeedbackKinds.
void give_feedback(unsigned (*kind_of)(uint32_t tag));
// Before each run.
void feedback_run_begins();
