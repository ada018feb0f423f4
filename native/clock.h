// The monotonic clock in nanoseconds.
#ifndef SOFTIRQ_CLOCK_H_
#define SOFTIRQ_CLOCK_H_

#include <cstdint>

namespace softirq {

constexpr uint64_t kNsPerSec = 1'000'000'000;

// Any thread, any time, also a signal handler.
uint64_t MonotonicNs();

}  // namespace softirq

#endif  // SOFTIRQ_CLOCK_H_
