// Lets an ordinary thread wait until no signal handler still uses what has just been unpublished.
#ifndef SOFTIRQ_HANDLER_GATE_H_
#define SOFTIRQ_HANDLER_GATE_H_

#include <sched.h>

#include <atomic>
#include <cstdint>

namespace softirq {

// A handler calls Enter, reads the slots, calls Leave. A thread takes a slot away, then calls WaitQuiet.
// Both sides are "store mine, then load the other's", so all four accesses are seq_cst, the slots' too:
// either the handler sees the slot gone or the thread sees the handler inside.
class HandlerGate {
 public:
  void Enter() { inside_.fetch_add(1, std::memory_order_seq_cst); }
  void Leave() { inside_.fetch_sub(1, std::memory_order_seq_cst); }

  // Not from a handler. A handler on this very thread has returned before this goes on.
  void WaitQuiet() const {
    while (inside_.load(std::memory_order_seq_cst) != 0) sched_yield();
  }

 private:
  std::atomic<uint32_t> inside_{0};
};

}  // namespace softirq

#endif  // SOFTIRQ_HANDLER_GATE_H_
