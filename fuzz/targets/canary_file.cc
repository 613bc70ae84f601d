#include "fuzz/targets/canary_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/kernel/canary.h"

bool keep_canary_in(const char* path) {
  const int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) return false;
  constexpr size_t kSize = sizeof(kernel::CanaryCounts);
  void* map = MAP_FAILED;
  if (ftruncate(file, kSize) == 0)
    map = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (map == MAP_FAILED) return false;
  kernel::canary_counts_go_to(*static_cast<kernel::CanaryCounts*>(map));
  return true;
}
