// Puzzles of plain variables: what one thread does in two steps, another one sees halfway.
#include "core/kernel/atomic.h"
#include "core/kernel/completion.h"
#include "core/kernel/mutex.h"
#include "core/kernel/puzzles/puzzle.h"

namespace puzzles {

using kernel::read_once;
using kernel::write_once;

// --- reorder: two variables are set one after the other; the checker must not see one without the
// other. All threads but the last are setters. Only the first pair of writes can be seen halfway,
// and the more setters there are, the less likely it is that the checker comes just then.

namespace {

struct {
  kernel::Mutex mutex;
  unsigned checker;
  int a, b;
} pair;

void set_up_reorder(unsigned threads) {
  kernel::mutex_init(pair.mutex, "pair");
  pair.checker = threads - 1;
  pair.a = pair.b = 0;
}

template <bool repaired>
void reorder(unsigned thread) {
  if (repaired) kernel::mutex_lock(pair.mutex);
  if (thread == pair.checker) {
    const bool untouched = read_once(pair.a) == 0 && read_once(pair.b) == 0;
    expect(untouched || (read_once(pair.a) == 1 && read_once(pair.b) == -1));
  } else {
    write_once(pair.a, 1);
    write_once(pair.b, -1);
  }
  if (repaired) kernel::mutex_unlock(pair.mutex);
}

}  // namespace

const Program kReorder = {set_up_reorder, reorder<false>, reorder<true>, nullptr};

// --- bluetooth_driver: a request looks whether the driver is being stopped, then counts itself as
// pending; the stop comes in between, finds nothing pending, and the request runs on a stopped
// driver. Repaired, it counts itself first.

namespace {

struct {
  kernel::Completion nothing_pending;
  int pending;  // requests, and 1 for the driver itself
  bool stopping;
  bool stopped;
} driver;

void put_pending() {
  if (kernel::atomic_dec_and_test(driver.pending)) kernel::complete_all(driver.nothing_pending);
}

void request_first_look() {
  if (read_once(driver.stopping)) return;
  kernel::atomic_add_return(1, driver.pending);
  expect(!read_once(driver.stopped));
  put_pending();
}

void request_first_count() {
  kernel::atomic_add_return(1, driver.pending);
  if (!read_once(driver.stopping)) expect(!read_once(driver.stopped));
  put_pending();
}

void stop() {
  write_once(driver.stopping, true);
  put_pending();
  kernel::wait_for_completion(driver.nothing_pending);
  write_once(driver.stopped, true);
}

void set_up_bluetooth_driver(unsigned) {
  kernel::init_completion(driver.nothing_pending, "nothing_pending");
  driver.pending = 1;
  driver.stopping = driver.stopped = false;
}

template <bool repaired>
void bluetooth_driver(unsigned thread) {
  if (thread == 1)
    stop();
  else if (repaired)
    request_first_count();
  else
    request_first_look();
}

}  // namespace

const Program kBluetoothDriver = {set_up_bluetooth_driver, bluetooth_driver<false>,
                                  bluetooth_driver<true>, nullptr};

}  // namespace puzzles
