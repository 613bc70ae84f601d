// Where in a run contexts meet: the decision points at which one touches an object that another one
// touches, too. A preemption anywhere else seldom changes anything, so the mutator likes to place
// them there.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/sched/observer.h"
#include "fuzz/targets/conflict_table.h"

// The events that note_conflicts() wants.
uint32_t conflict_event_kinds();
void note_conflicts(const sched::Event& event);

// Around the run of an input. What is found is kept for the latest inputs (conflict_table.h).
void conflicts_begin();
void conflicts_end(const uint8_t* data, size_t size);
