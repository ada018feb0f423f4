// Turns SIGBUS in a mapped segment (its file was truncated by someone) into a failed world: the stop word
// is raised, a page of zeros takes the place of the missing one, and the access is done again on that.
#ifndef SOFTIRQ_FAULT_GUARD_H_
#define SOFTIRQ_FAULT_GUARD_H_

#include <cstddef>

#include "error.h"
#include "stop_word.h"

namespace softirq {

// A fault outside of all guarded ranges goes to the handler that was there before. The handler is installed
// with the first guard and taken back with the last.
class FaultGuard {
 public:
  FaultGuard() = default;
  FaultGuard(const FaultGuard&) = delete;
  FaultGuard& operator=(const FaultGuard&) = delete;
  ~FaultGuard() { Remove(); }

  // Any thread but not a handler; add and remove of one object by one thread at a time.
  // EBUSY where the range overlaps one that is guarded.
  Status Add(void* base, size_t size, StopWord stop);
  void Remove();  // afterwards nothing touches range or word; again is harmless
  bool Faulted() const;

 private:
  int slot_ = -1;
  bool faulted_ = false;
};

}  // namespace softirq

#endif  // SOFTIRQ_FAULT_GUARD_H_
