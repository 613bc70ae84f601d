// Mutation of bytes that knows nothing of what they mean: the small share of a target's mutations
// that reaches what no mutation of programs or steps does.
#pragma once

#include <cstddef>
#include <cstdint>

// Changes data[0..size) in place; returns the new size, 1 to max_size (0 if max_size is 0). The
// engine's own mutation (LLVMFuzzerMutate) where the engine has one, which knows a dictionary;
// otherwise a few changes that depend on the seed alone.
size_t mutate_bytes(uint8_t* data, size_t size, size_t max_size, unsigned seed);

// The latter, whatever the engine has.
size_t mutate_bytes_plainly(uint8_t* data, size_t size, size_t max_size, unsigned seed);
