// What all targets share whose inputs are steps (steps.h): start-up, one run, the mutator.
//
// A run: set_up on the main thread; then t0 takes the steps one after the other, while the
// companion runs beside it as t1 and the input's schedule switches between them; then tear_down on
// the main thread; then the ledger and the slab must be empty.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/targets/steps.h"

struct StepTarget {
  const char* name;
  void (*set_up)();
  void (*step)(const steps::Step& step);
  void (*companion)();
  void (*tear_down)();
};

void step_target_initialize(const StepTarget& target);
void step_target_run(const StepTarget& target, const uint8_t* data, size_t size);

// Reports wrong-result unless `ok`. `where` names the operation, `format` what was expected.
void expect_result(bool ok, const char* where, const char* format, ...)
    __attribute__((format(printf, 3, 4)));
