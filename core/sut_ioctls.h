// The ioctls behind the door: their numbers, argument structs, functions, and the errors that each
// of them documents.
#pragma once

#include <cstddef>
#include <cstdint>

#include "core/drm/file.h"

struct SutIoctl {
  uint32_t number;
  const char* name;  // the upstream function's
  size_t size;       // of the argument struct
  int (*call)(drm::File& file, void* arg);
  const int* errors;  // what it may return beside 0
  size_t num_errors;
  // The error that the arguments alone call for, before anything is looked up or copied; 0: none.
  // nullptr: not known.
  int (*refused)(const void* arg);
  // What a call that returned 0 promises, if it was alone: at its start, and at its end. nullptr:
  // nothing is looked at.
  void (*remember)(drm::File& file, const void* arg);
  void (*check)(drm::File& file, const void* arg);
};

// nullptr: no such ioctl.
const SutIoctl* sut_find_ioctl(uint32_t number);
