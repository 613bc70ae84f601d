#include "core/kernel/observe.h"

namespace kernel {

void emit(sched::EventKind kind, uint32_t object, const char* what, const char* role,
          const char* from_role, uint32_t from_object, int64_t value) {
  sched::Event event{};
  event.kind = kind;
  event.object = object;
  event.what = what;
  event.role = role;
  event.from_role = from_role;
  event.from_object = from_object;
  event.value = value;
  sched::observe(event);
}

}  // namespace kernel
