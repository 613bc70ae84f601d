// Puzzles of variables under locks: each access is locked, and it is not enough or not needed.
#include "core/kernel/atomic.h"
#include "core/kernel/mutex.h"
#include "core/kernel/puzzles/puzzle.h"

namespace puzzles {

using kernel::mutex_init;
using kernel::mutex_lock;
using kernel::mutex_unlock;
using kernel::read_once;
using kernel::write_once;

// --- twostage: writers change two variables, each under its own lock; the reader, the last
// thread, must not see the first change without the second. Repaired, the first lock is held over
// both stages.

namespace {

struct {
  kernel::Mutex first_lock, second_lock;
  unsigned reader;
  int first, second;
} stages;

void set_up_twostage(unsigned threads) {
  mutex_init(stages.first_lock, "first_lock");
  mutex_init(stages.second_lock, "second_lock");
  stages.reader = threads - 1;
  stages.first = stages.second = 0;
}

template <bool repaired>
void twostage(unsigned thread) {
  int first = 1;
  mutex_lock(stages.first_lock);
  if (thread == stages.reader)
    first = read_once(stages.first);
  else
    write_once(stages.first, 1);
  if (!repaired) mutex_unlock(stages.first_lock);
  if (first != 0) {
    mutex_lock(stages.second_lock);
    if (thread == stages.reader)
      expect(read_once(stages.second) == first + 1);
    else
      write_once(stages.second, read_once(stages.first) + 1);
    mutex_unlock(stages.second_lock);
  }
  if (repaired) mutex_unlock(stages.first_lock);
}

}  // namespace

const Program kTwostage = {set_up_twostage, twostage<false>, twostage<true>, nullptr};

// --- wronglock: thread 0 relies on the variable's lock; the others change it under another one.

namespace {

struct {
  kernel::Mutex right_lock, wrong_lock;
  int value;
} counter;

void set_up_wronglock(unsigned) {
  mutex_init(counter.right_lock, "right_lock");
  mutex_init(counter.wrong_lock, "wrong_lock");
  counter.value = 0;
}

template <bool repaired>
void wronglock(unsigned thread) {
  kernel::Mutex& lock = thread == 0 || repaired ? counter.right_lock : counter.wrong_lock;
  mutex_lock(lock);
  if (thread == 0) {
    const int before = read_once(counter.value);
    write_once(counter.value, read_once(counter.value) + 1);
    expect(read_once(counter.value) == before + 1);
  } else {
    write_once(counter.value, read_once(counter.value) + 1);
  }
  mutex_unlock(lock);
}

}  // namespace

const Program kWronglock = {set_up_wronglock, wronglock<false>, wronglock<true>, nullptr};

// --- account: who checks the balance after a deposit and a withdrawal expects two withdrawals. The
// bug is in the sum, which is looked at only if both were made before.

namespace {

constexpr int kBalance = 10, kDeposit = 5, kWithdrawal = 3;

struct {
  kernel::Mutex mutex;
  int balance;
  bool deposited, withdrawn;
} bank;

void set_up_account(unsigned) {
  mutex_init(bank.mutex, "account");
  bank.balance = kBalance;
  bank.deposited = bank.withdrawn = false;
}

template <bool repaired>
void account(unsigned thread) {
  mutex_lock(bank.mutex);
  if (thread == 1) {
    write_once(bank.balance, read_once(bank.balance) + kDeposit);
    write_once(bank.deposited, true);
  } else if (thread == 2) {
    write_once(bank.balance, read_once(bank.balance) - kWithdrawal);
    write_once(bank.withdrawn, true);
  } else if (read_once(bank.deposited) && read_once(bank.withdrawn)) {
    const int deposited = repaired ? kDeposit : -kDeposit;
    expect(read_once(bank.balance) == kBalance + deposited - kWithdrawal);
  }
  mutex_unlock(bank.mutex);
}

}  // namespace

const Program kAccount = {set_up_account, account<false>, account<true>, nullptr};

// --- lazy: the last thread takes for granted that it comes before one of the others has added its
// part.

namespace {

struct {
  kernel::Mutex mutex;
  int sum;
} parts;

void set_up_lazy(unsigned) {
  mutex_init(parts.mutex, "lazy");
  parts.sum = 0;
}

template <bool repaired>
void lazy(unsigned thread) {
  mutex_lock(parts.mutex);
  if (thread < 2)
    write_once(parts.sum, read_once(parts.sum) + 1 + static_cast<int>(thread));
  else
    expect(read_once(parts.sum) < (repaired ? 4 : 3));
  mutex_unlock(parts.mutex);
}

}  // namespace

const Program kLazy = {set_up_lazy, lazy<false>, lazy<true>, nullptr};

}  // namespace puzzles
