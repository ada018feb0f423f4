// futex(2) on words of one process, with absolute times of CLOCK_MONOTONIC. Only system calls; protocols are their users'.
#ifndef SOFTIRQ_FUTEX_H_
#define SOFTIRQ_FUTEX_H_

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdint>
#include <ctime>

#include "clock.h"

namespace softirq {

constexpr uint64_t kNever = ~uint64_t{0};

inline timespec ToTimespec(uint64_t ns) {
  return {static_cast<time_t>(ns / kNsPerSec), static_cast<long>(ns % kNsPerSec)};
}

// Any thread, also a signal handler; leaves errno alone.
inline void FutexWake(uint32_t* word, int count = INT_MAX) {
  const int saved_errno = errno;
  syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, nullptr, nullptr, 0);
  errno = saved_errno;
}

// Sleeps while `*word == value`. 0, or ETIMEDOUT, EAGAIN (another value), EINTR. The thread's timer slack applies.
inline int FutexWait(const uint32_t* word, uint32_t value, uint64_t until_ns) {
  const timespec until = ToTimespec(until_ns);
  const timespec* timeout = until_ns == kNever ? nullptr : &until;
  const int op = FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG;
  if (syscall(SYS_futex, word, op, value, timeout, nullptr, FUTEX_BITSET_MATCH_ANY) == 0) return 0;
  return errno;
}

// The same on two words at once, and without any slack. ENOSYS before Linux 5.16; some sandboxes answer EPERM.
inline int FutexWaitTwo(const uint32_t* a, uint32_t value_a, const uint32_t* b, uint32_t value_b, uint64_t until_ns) {
  constexpr long kFutexWaitv = 449;  // the same on every architecture
  const timespec until = ToTimespec(until_ns);
  const timespec* timeout = until_ns == kNever ? nullptr : &until;
  futex_waitv words[2] = {};
  words[0].val = value_a;
  words[0].uaddr = reinterpret_cast<uintptr_t>(a);
  words[0].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
  words[1].val = value_b;
  words[1].uaddr = reinterpret_cast<uintptr_t>(b);
  words[1].flags = FUTEX_32 | FUTEX_PRIVATE_FLAG;
  if (syscall(kFutexWaitv, words, 2, 0, timeout, CLOCK_MONOTONIC) >= 0) return 0;
  return errno;
}

}  // namespace softirq

#endif  // SOFTIRQ_FUTEX_H_
