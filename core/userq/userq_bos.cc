#include "core/userq/userq_bos.h"

#include "core/userq/queue.h"

namespace userq {

int userq_bos_lookup(drm::File& file, uint64_t read_handles, uint32_t num_read,
                     uint64_t write_handles, uint32_t num_write, UserqBos& bos) {
  bos = {};
  int error = drm::gem_objects_lookup(file, read_handles, num_read, bos.read, {kUserqIoctl});
  if (error != 0) return error;
  error = drm::gem_objects_lookup(file, write_handles, num_write, bos.write, {kUserqIoctl});
  if (error != 0) drm::gem_objects_free(bos.read, {kUserqIoctl});
  return error;
}

void userq_bos_free(UserqBos& bos) {
  drm::gem_objects_free(bos.read, {kUserqIoctl});
  drm::gem_objects_free(bos.write, {kUserqIoctl});
}

int userq_bos_lock(drm::Exec& exec, const UserqBos& bos) {
  int error = 0;
  drm_exec_until_all_locked(exec) {
    error = drm::exec_prepare_array(exec, bos.read.objects, bos.read.count, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
    error = drm::exec_prepare_array(exec, bos.write.objects, bos.write.count, 1);
    drm_exec_retry_on_contention(exec);
    if (error != 0) break;
  }
  return error;
}

}  // namespace userq
