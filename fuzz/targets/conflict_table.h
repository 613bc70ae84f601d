// The decision points at which the latest inputs had conflicts (conflict_points.h), by input. An
// engine that mutates in another process than it runs the target in (AFL++) maps the table from a
// file in both.
#pragma once

#include <cstddef>
#include <cstdint>

// From 1, ascending.
struct ConflictPoints {
  static constexpr unsigned kMax = 48;
  unsigned count;
  uint32_t points[kMax];
};

// From now on the table is in that file, which is made if it is not there. False: it cannot be.
bool share_conflicts(const char* file);

void store_conflicts(const uint8_t* data, size_t size, const ConflictPoints& found);

// Those of the latest run of this input; nullptr if it had none or is not known.
const ConflictPoints* conflict_points(const uint8_t* data, size_t size);

// What an input is known by; never 0.
uint64_t input_hash(const uint8_t* data, size_t size);
