// What all targets share whose inputs are programs: start-up, one run, the mutator.
#pragma once

#include <cstddef>
#include <cstdint>

// Reads the options and runs a program that warms up every pool, so that from then on each run
// frees as much as it allocates (libFuzzer's leak check relies on it).
void program_target_initialize();

// Decodes and runs one input.
void program_target_run(const uint8_t* data, size_t size);
