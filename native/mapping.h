// A segment laid over a page-aligned range of a world's memory, guarded against truncation.
#ifndef SOFTIRQ_MAPPING_H_
#define SOFTIRQ_MAPPING_H_

#include <cstddef>

#include "error.h"
#include "fault_guard.h"
#include "segment.h"
#include "stop_word.h"

namespace softirq {

class Mapping {
 public:
  Mapping() = default;
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  ~Mapping() { Unmap(); }

  // Map and Unmap by one thread at a time, and while nothing runs in the range. The caller keeps the memory
  // around it reserved until Unmap. What was in the range is gone; the segment may be closed afterwards.
  Status Map(void* base, const Segment& segment, StopWord stop);
  void Unmap();  // the range reads as zeros; again is harmless
  bool Faulted() const { return guard_.Faulted(); }

 private:
  void* base_ = nullptr;
  size_t size_ = 0;
  FaultGuard guard_;
};

}  // namespace softirq

#endif  // SOFTIRQ_MAPPING_H_
