#include "fuzz/targets/conflict_table.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace {

constexpr unsigned kInputs = 4096;

struct Input {
  uint64_t hash;
  ConflictPoints found;
};
Input own[kInputs];
Input* inputs = own;

}  // namespace

bool share_conflicts(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return false;
  void* map = MAP_FAILED;
  if (ftruncate(file, sizeof own) == 0)
    map = mmap(nullptr, sizeof own, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map == MAP_FAILED) return false;
  inputs = static_cast<Input*>(map);
  return true;
}

uint64_t input_hash(const uint8_t* data, size_t size) {
  uint64_t hash = 0xcbf29ce484222325 ^ size;
  for (size_t i = 0; i < size; ++i) hash = (hash ^ data[i]) * 0x100000001b3;
  return hash | 1;  // 0: no input
}

void store_conflicts(const uint8_t* data, size_t size, const ConflictPoints& found) {
  const uint64_t hash = input_hash(data, size);
  Input& input = inputs[hash % kInputs];
  input.hash = 0;  // a process that dies on the way leaves no mixture
  input.found = found;
  input.hash = hash;
}

const ConflictPoints* conflict_points(const uint8_t* data, size_t size) {
  const uint64_t hash = input_hash(data, size);
  const Input& input = inputs[hash % kInputs];
  // What another process wrote, in the middle of a finding perhaps, is not to be trusted.
  const bool known =
      input.hash == hash && input.found.count > 0 && input.found.count <= ConflictPoints::kMax;
  return known ? &input.found : nullptr;
}
