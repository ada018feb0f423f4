#include "cpu_lock.h"

#include <cerrno>

#include "clock.h"
#include "futex.h"

namespace softirq {
namespace {

#ifdef PLANT_RACE  // for the test that shows that the sanitizer would see one
constexpr auto kRelease = std::memory_order_relaxed;
#else
constexpr auto kRelease = std::memory_order_release;
#endif

bool Take(std::atomic_ref<uint32_t> word, uint32_t value) {
  uint32_t expected = 0;
  return word.compare_exchange_strong(expected, value, std::memory_order_acquire, std::memory_order_relaxed);
}

}  // namespace

bool CpuLock::TryAcquire(uint32_t owner) const { return Take(std::atomic_ref<uint32_t>(*word), owner); }

int CpuLock::Acquire(uint32_t owner, uint64_t spin_ns, uint64_t until_ns) const {
  std::atomic_ref<uint32_t> at(*word);
  if (Take(at, owner)) return 0;
  if ((at.load(std::memory_order_relaxed) & ~kSleeper) == owner) return EDEADLK;
  const uint64_t start = MonotonicNs();
  while (MonotonicNs() - start < spin_ns) {
    if (at.load(std::memory_order_relaxed) == 0 && Take(at, owner)) return 0;
  }
  for (;;) {
    uint32_t seen = at.load(std::memory_order_relaxed);
    if (seen == 0) {
      // others may sleep as we did: who has slept leaves the bit for them
      if (Take(at, owner | kSleeper)) return 0;
      continue;
    }
    if ((seen & kSleeper) == 0 && !at.compare_exchange_weak(seen, seen | kSleeper, std::memory_order_relaxed)) continue;
    const int err = FutexWait(word, seen | kSleeper, until_ns);
    if (err == ETIMEDOUT) return Take(at, owner | kSleeper) ? 0 : ETIMEDOUT;
    if (err != 0 && err != EAGAIN && err != EINTR) return err;
  }
}

int CpuLock::Release(uint32_t owner) const {
  std::atomic_ref<uint32_t> at(*word);
  if ((at.load(std::memory_order_relaxed) & ~kSleeper) != owner) return EPERM;  // only the owner can change this
  if ((at.exchange(0, kRelease) & kSleeper) != 0) FutexWake(word, 1);
  return 0;
}

}  // namespace softirq
