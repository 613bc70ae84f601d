// The doorbells of the device: a few pages of them, a page to each doorbell object.
#pragma once

#include <cstdint>

namespace userq {

inline constexpr uint32_t kDoorbellPages = 4;
inline constexpr uint32_t kDoorbellsPerPage = 16;

struct Doorbells {
  unsigned long used;  // a bit for each page, changed by atomics only
};

// Takes the first free page; *base is the index of its first doorbell. -ENOSPC. Any context.
int doorbell_page_alloc(Doorbells& doorbells, uint32_t* base);
// Any context.
void doorbell_page_free(Doorbells& doorbells, uint32_t base);

}  // namespace userq
