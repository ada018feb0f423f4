// Included ahead of the sources of a stress build: stretches the gaps between the steps of a protocol, where a wrong
// order would otherwise be seen once in a million rounds.
#ifndef SOFTIRQ_STRESS_STEP_H_
#define SOFTIRQ_STRESS_STEP_H_

#include <unistd.h>

#include <cstdint>

namespace softirq {

inline void StressStep() {
  static thread_local uint32_t state = static_cast<uint32_t>(gettid());
  state = state * 1664525 + 1013904223;
  if (state >> 28 == 0) usleep(state >> 20 & 127);
}

}  // namespace softirq

#define SOFTIRQ_STEP() StressStep()

#endif  // SOFTIRQ_STRESS_STEP_H_
