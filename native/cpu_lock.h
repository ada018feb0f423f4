// Ownership of a CPU of a world: one word in its memory. A thread runs programs or callbacks on a CPU only while it
// owns it. Says nothing about what an owner does.
#ifndef SOFTIRQ_CPU_LOCK_H_
#define SOFTIRQ_CPU_LOCK_H_

#include <atomic>
#include <cstdint>

namespace softirq {

// 0 = free, else the owner's id (1 .. 2^31 - 1), with kSleeper where a thread sleeps for it. Uncontended it is one
// atomic each way, in Wasm or JavaScript as well as here:
//   acquire: compare-exchange 0 -> id; on failure call Acquire.
//   release: compare-exchange id -> 0; on failure (kSleeper is set) call Release.
// Release (exchange) synchronises with the next acquire: all an owner wrote is seen by the next one.
struct CpuLock {
  static constexpr uint32_t kSleeper = 1u << 31;

  uint32_t* word = nullptr;

  bool TryAcquire(uint32_t owner) const;  // wait-free, any thread
  // 0, ETIMEDOUT at `until_ns`, EDEADLK where `owner` has it already. Spins for `spin_ns`, then sleeps.
  int Acquire(uint32_t owner, uint64_t spin_ns, uint64_t until_ns) const;
  int Release(uint32_t owner) const;  // 0, or EPERM where another or nobody owns it
};

}  // namespace softirq

#endif  // SOFTIRQ_CPU_LOCK_H_
