#include "core/userq/queue_state.h"

#include "core/kernel/atomic.h"
#include "core/kernel/observe.h"
#include "core/kernel/report.h"
#include "core/userq/device.h"
#include "core/userq/fpriv.h"
#include "core/userq/mes.h"
#include "core/userq/reset.h"

namespace userq {

namespace {

const char* const kStateNames[] = {"unmapped", "mapped", "preempted", "hung", "invalid va"};
const char* name_of(QueueState state) { return kStateNames[static_cast<unsigned>(state)]; }

Device& device_of(Queue& queue) { return *queue.userq_mgr->adev; }

const UserqFuncs& funcs_of(Queue& queue) { return *device_of(queue).userq_funcs[queue.queue_type]; }

// What keeps the state as it is while it lives.
class Stable {
 public:
  explicit Stable(Queue& queue) : sem_(device_of(queue).reset_domain.sem) {
    kernel::lockdep_assert_held(queue.userq_mgr->userq_mutex);
    kernel::down_read(sem_);
  }
  ~Stable() { kernel::up_read(sem_); }
  Stable(const Stable&) = delete;
  Stable& operator=(const Stable&) = delete;

 private:
  kernel::RwSemaphore& sem_;
};

// Everything that forbids a queue to run.
bool may_run(Queue& queue) {
  Device& adev = device_of(queue);
  if (kernel::read_once(adev.suspended)) return false;
  if (queue.queue_type != kHwIpDma && kernel::read_once(adev.userq_halt_for_enforce_isolation))
    return false;
  return evf_mgr_is_armed(queue.fpriv->evf_mgr);
}

// The end of a request.
int settle(Queue& queue, int error, QueueState next) {
  queue_set_state(queue, error == 0 ? next : QueueState::kHung);
  return error;
}

int take_off(Queue& queue) {
  switch (queue.state) {
    case QueueState::kUnmapped:
    case QueueState::kInvalidVa:
      return 0;
    case QueueState::kHung:
      // The reset that it needs may not have come yet.
      return funcs_of(queue).unmap(queue);
    case QueueState::kMapped:
    case QueueState::kPreempted:
      break;
  }
  return settle(queue, funcs_of(queue).unmap(queue), QueueState::kUnmapped);
}

void erase_doorbell(Queue& queue) {
  kernel::XArray& xa = device_of(queue).userq_doorbell_xa;
  unsigned long flags;
  kernel::xa_lock_irqsave(xa, flags);
  // A creation that failed may not have come so far; what may be mapped is there.
  if (kernel::xa_load(xa, queue.doorbell_index) == &queue)
    kernel::xa_erase_locked(xa, queue.doorbell_index);
  else
    WARN_ON(!kernel::list_empty(queue.mgr_link));
  kernel::xa_unlock_irqrestore(xa, flags);
}

}  // namespace

void queue_set_state(Queue& queue, QueueState next) {
  if (next != queue.state)
    kernel::observe_state("queue", queue.refcount.object, name_of(queue.state), name_of(next));
  queue.state = next;
}

QueueState queue_state(Queue& queue) {
  Stable stable(queue);
  return queue.state;
}

bool queue_is_dead(Queue& queue) {
  const QueueState state = queue_state(queue);
  return state == QueueState::kHung || state == QueueState::kInvalidVa;
}

int queue_map(Queue& queue) {
  Stable stable(queue);
  if (queue.state != QueueState::kUnmapped || !may_run(queue)) return 0;
  const int error = settle(queue, funcs_of(queue).map(queue), QueueState::kMapped);
  // The hardware has nothing of it that a reset could find.
  if (error != 0) queue_force_completion(queue);
  return error;
}

int queue_unmap(Queue& queue) {
  Stable stable(queue);
  const int error = take_off(queue);
  if (error != 0) schedule_reset(*queue.userq_mgr);
  return error;
}

int queue_preempt(Queue& queue) {
  Stable stable(queue);
  if (queue.state != QueueState::kMapped) return 0;
  const int error = settle(queue, funcs_of(queue).preempt(queue), QueueState::kPreempted);
  if (error != 0) schedule_reset(*queue.userq_mgr);
  return error;
}

int queue_restore(Queue& queue) {
  Stable stable(queue);
  if (queue.state != QueueState::kPreempted || !may_run(queue)) return 0;
  const int error = settle(queue, funcs_of(queue).restore(queue), QueueState::kMapped);
  if (error != 0) schedule_reset(*queue.userq_mgr);
  return error;
}

int queue_resume(Queue& queue) {
  const int error = queue_restore(queue);
  return error != 0 ? error : queue_map(queue);
}

void queue_invalidate(Queue& queue) {
  Stable stable(queue);
  WARN_ON(queue.state == QueueState::kMapped || queue.state == QueueState::kPreempted);
  queue_set_state(queue, QueueState::kInvalidVa);
  queue_force_completion(queue);
}

int queue_detach(Queue& queue) {
  Stable stable(queue);
  const int error = take_off(queue);
  if (error != 0 && device_of(queue).gpu_recovery) {
    schedule_reset(*queue.userq_mgr);
    return error;
  }
  erase_doorbell(queue);
  return 0;
}

void queue_set_hung(Queue& queue) {
  kernel::lockdep_assert_held(device_of(queue).reset_domain.sem);
  if (queue.state != QueueState::kInvalidVa) queue_set_state(queue, QueueState::kHung);
  queue_force_completion(queue);
}

}  // namespace userq
