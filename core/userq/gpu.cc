#include "core/userq/gpu.h"

#include <cerrno>

#include "core/kernel/report.h"
#include "core/sched/sched.h"

namespace userq {

namespace {

template <typename T>
T load(const T& location) {
  T value;
  sched::touch(&location, false);
  __atomic_load(&location, &value, __ATOMIC_RELAXED);
  return value;
}

template <typename T>
void store(T& location, T value) {
  sched::touch(&location, true);
  __atomic_store(&location, &value, __ATOMIC_RELAXED);
}

// Each step begins with the one point at which others may come first. The driver asks only for
// doorbells that there are.
HwQueue& begin_step(Gpu& gpu, uint32_t doorbell) {
  WARN_ON(doorbell >= kMaxDoorbells);
  sched::access(sched::Point::kWrite, &gpu);
  return gpu.queues[doorbell];
}

bool request_fails(Gpu& gpu) {
  const uint32_t n = load(gpu.fail_request);
  if (n > 0) store(gpu.fail_request, n - 1);
  return n == 1;
}

// A request that makes the queue's state `to`; only if it is `obeyed`.
int request(Gpu& gpu, HwQueue& queue, bool obeyed, HwState to) {
  if (request_fails(gpu)) {
    if (load(queue.state) != HwState::kUnmapped) store(queue.state, HwState::kHung);
    return -ETIMEDOUT;
  }
  if (!obeyed) return -ETIMEDOUT;
  store(queue.state, to);
  return 0;
}

}  // namespace

int gpu_map_queue(Gpu& gpu, uint32_t doorbell, uint32_t engine, uint64_t* fence_addr) {
  HwQueue& queue = begin_step(gpu, doorbell);
  if (request_fails(gpu) || load(queue.state) != HwState::kUnmapped) return -ETIMEDOUT;
  store(queue.engine, engine);
  store(queue.fence_addr, fence_addr);
  store(queue.irq_value, uint64_t{0});
  store(queue.state, HwState::kRunning);
  return 0;
}

int gpu_unmap_queue(Gpu& gpu, uint32_t doorbell) {
  HwQueue& queue = begin_step(gpu, doorbell);
  return request(gpu, queue, load(queue.state) != HwState::kHung, HwState::kUnmapped);
}

int gpu_preempt_queue(Gpu& gpu, uint32_t doorbell) {
  HwQueue& queue = begin_step(gpu, doorbell);
  return request(gpu, queue, load(queue.state) == HwState::kRunning, HwState::kPreempted);
}

int gpu_restore_queue(Gpu& gpu, uint32_t doorbell) {
  HwQueue& queue = begin_step(gpu, doorbell);
  return request(gpu, queue, load(queue.state) == HwState::kPreempted, HwState::kRunning);
}

int gpu_reset_hung_queues(Gpu& gpu, uint32_t engine, uint32_t* doorbells, uint32_t* count) {
  begin_step(gpu, 0);
  *count = 0;
  if (request_fails(gpu)) return -ETIMEDOUT;
  for (uint32_t doorbell = 0; doorbell < kMaxDoorbells; ++doorbell) {
    HwQueue& queue = gpu.queues[doorbell];
    if (load(queue.state) != HwState::kHung || load(queue.engine) != engine) continue;
    store(queue.state, HwState::kUnmapped);
    doorbells[(*count)++] = doorbell;
  }
  return 0;
}

void gpu_reset(Gpu& gpu) {
  begin_step(gpu, 0);
  for (HwQueue& queue : gpu.queues) store(queue.state, HwState::kUnmapped);
}

void gpu_irq_delivered(Gpu& gpu, uint32_t doorbell) {
  if (doorbell >= kMaxDoorbells) return;
  HwQueue& queue = begin_step(gpu, doorbell);
  if (load(queue.state) == HwState::kRunning) store(queue.irq_value, load(*load(queue.fence_addr)));
}

void gpu_write_rptr(Gpu& gpu, uint32_t doorbell, uint64_t value) {
  HwQueue& queue = begin_step(gpu, doorbell);
  if (load(queue.state) != HwState::kRunning) return;
  store(*load(queue.fence_addr), value);
  if (value < load(queue.irq_value)) store(queue.irq_value, uint64_t{0});
}

void gpu_hang_queue(Gpu& gpu, uint32_t doorbell) {
  HwQueue& queue = begin_step(gpu, doorbell);
  if (load(queue.state) != HwState::kUnmapped) store(queue.state, HwState::kHung);
}

void gpu_fail_request(Gpu& gpu, uint32_t n) { store(gpu.fail_request, n); }

HwState gpu_queue_state(const Gpu& gpu, uint32_t doorbell) {
  return load(gpu.queues[doorbell].state);
}

}  // namespace userq
