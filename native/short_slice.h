// Lets a thread that sleeps much be scheduled soon after it wakes, also beside threads that compute: it asks the
// scheduler for short turns. Changes nobody's share of the CPU.
#ifndef SOFTIRQ_SHORT_SLICE_H_
#define SOFTIRQ_SHORT_SLICE_H_

#include <cstdint>

namespace softirq {

// Enter and Leave on the same thread; several objects of one thread nest. Where it cannot be had (before Linux 6.12,
// another scheduling policy) nothing changes.
class ShortSlice {
 public:
  ShortSlice() = default;
  ShortSlice(const ShortSlice&) = delete;
  ShortSlice& operator=(const ShortSlice&) = delete;
  ~ShortSlice() { Leave(); }

  void Enter();
  void Leave();  // again is harmless

 private:
  bool entered_ = false;
};

}  // namespace softirq

#endif  // SOFTIRQ_SHORT_SLICE_H_
