#include "short_slice.h"

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace softirq {
namespace {

constexpr uint64_t kSliceNs = 100'000;  // the least that the kernel gives

// The first version of the kernel's struct, by itself: some versions of its header do not go with libc's.
struct Attributes {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;  // SCHED_OTHER: the slice since 6.12, 0 before
  uint64_t deadline;
  uint64_t period;
};
static_assert(sizeof(Attributes) == 48);

// Of the calling thread; false where this kernel or policy has no slices.
bool SetSlice(uint64_t slice_ns, uint64_t* before) {
  Attributes attributes = {};
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0) != 0) return false;
  if (attributes.policy != SCHED_OTHER || attributes.runtime == 0) return false;
  *before = attributes.runtime;
  attributes.size = sizeof(attributes);
  attributes.runtime = slice_ns;
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

thread_local int t_depth = 0;
thread_local uint64_t t_before = 0;  // 0: nothing to put back

}  // namespace

void ShortSlice::Enter() {
  if (entered_) return;
  entered_ = true;
  if (t_depth++ == 0 && !SetSlice(kSliceNs, &t_before)) t_before = 0;
}

void ShortSlice::Leave() {
  if (!entered_) return;
  entered_ = false;
  uint64_t ours = 0;
  if (--t_depth == 0 && t_before != 0) SetSlice(t_before, &ours);  // could be set, so can be set
}

}  // namespace softirq
