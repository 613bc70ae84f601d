// Files that are there whole or not at all, whenever the process is killed or the disk is full.
#pragma once

#include <cstdint>
#include <string_view>

#include "fuzz/tool/errors.h"
#include "fuzz/tool/files.h"

namespace tool {

// The disk has no room (or the quota none): what could not be written is as it was before.
struct NoSpaceError : EnvironmentError {
  using EnvironmentError::EnvironmentError;
};

// Writes `path` anew, by way of a temporary file beside it, onto the disk. NoSpaceError, or
// EnvironmentError for any other reason: the old file is still there, whole.
void write_durably(const fs::path& path, std::string_view content);

// What an interrupted write_durably() leaves behind: of a process that was killed.
bool is_unfinished_write(const fs::path& path);

// Bytes that this process may still write where `folder` lies. EnvironmentError if it is not there.
uint64_t free_bytes(const fs::path& folder);

// Bytes of all regular files below `folder`.
uint64_t bytes_below(const fs::path& folder);

}  // namespace tool
