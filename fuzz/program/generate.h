// Random operations and programs that mean something: arguments name what earlier operations
// created, numbers are small or recur, and what an operation needs is created before it.
#pragma once

#include <cstddef>
#include <cstdint>

#include "fuzz/program/program.h"
#include "fuzz/program/rng.h"
#include "fuzz/program/swarm.h"

namespace program {

// Inserts one random operation, if need be with the operations that create what it uses.
// Returns false if the program is full.
bool insert_random_op(Program& program, Rng& rng, const Swarm& swarm = usual_swarm());

// Inserts one random preemption; false if the program is full.
bool insert_random_preemption(Program& program, Rng& rng);

// Decision points of a run, ascending.
struct Places {
  const uint32_t* points = nullptr;
  size_t count = 0;
};
// Inserts a preemption at one of them, between those that are there, which stay where they are;
// false if the program is full.
bool insert_placed_preemption(Program& program, const Places& places, Rng& rng);

// A value for argument `arg` of operation `at`, which need not differ from the present one.
uint64_t random_arg(const Program& program, size_t at, unsigned arg, Rng& rng);

uint8_t random_lane(const Program& program, OpKind kind, Rng& rng,
                    const Swarm& swarm = usual_swarm());
Faults random_faults(Rng& rng);
uint32_t random_after(Rng& rng);
Target random_target(const Program& program, Rng& rng);
void change_device(DeviceConfig& device, Rng& rng);

// A whole program of a dozen operations or so, or of a few.
Program random_program(Rng& rng, const Swarm& swarm = usual_swarm());

}  // namespace program
