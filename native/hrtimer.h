// The real clock's sleep: a thread waits until the earliest deadline in shared memory is due, or someone publishes
// an earlier one. Knows words and the clock; what a timer is, and who runs it, is decided elsewhere.
#ifndef SOFTIRQ_HRTIMER_H_
#define SOFTIRQ_HRTIMER_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "futex.h"
#include "spin_margin.h"

namespace softirq {

// Words in a world's memory, all written by atomics only (Wasm's are seq_cst). All zero but `due` at the start.
//
//   due[i]  u64  earliest deadline of queue i, ns of CLOCK_MONOTONIC, kNever = none. Whoever holds queue i stores it.
//   asleep  u64  the deadline the waiter sleeps for (kNever: for none); 0 = it is awake. Only the waiter stores it.
//   seq     u32  the futex: + 2 for an earlier deadline, bit 0 = a kick that no wait has returned yet.
//   stop    u32  the world's stop word.
//   now     u64  the time at which a deadline was last found due. Its own thread's alone, in whatever language.
//
// No wake-up is lost, because both sides are "store mine, then load the other's", all four accesses seq_cst:
//   armer:   due[i] = d;        if (d < asleep) { seq += 2; wake }     (A1, A2)
//   waiter:  s = seq; asleep = target;  if (min(due) is target still) sleep while seq == s     (W1, W2)
// Either A2 sees W1 and then wakes, or W2 sees A1 and then does not sleep; a change of seq between its load and the
// sleep ends the sleep at once. A1 may be Wasm's store, under the queue's lock or CPU ownership; A2 may be done by
// the same thread any time later (when it leaves Wasm and releases the CPU: until then nobody could have run the
// timer), in Wasm too: only where `d < asleep` is a call of WakeEarlier needed, and that tests it once more.
// A later deadline needs no word to the waiter: it wakes for the old one, sees the new one and sleeps on.
struct TimerWords {
  static constexpr size_t kMostDue = 64;
  static constexpr uint32_t kKick = 1;

  std::vector<uint64_t*> due;
  uint64_t* asleep = nullptr;
  uint32_t* seq = nullptr;
  uint32_t* stop = nullptr;
  uint64_t* now = nullptr;

  uint64_t Earliest(size_t* index) const;

  // All by any thread, wait-free but for the wake itself; true where the waiter was woken.
  bool WakeEarlier() const;                              // A2 for every queue
  bool Publish(size_t index, uint64_t deadline) const;   // lowers due[index], which needs no lock for that, and A2
  void Kick() const;                                     // ends the wait of now, or the next one
};

enum class Wake : uint32_t {
  kDue,      // a published deadline
  kUntil,    // the caller's own
  kKicked,
  kStopped,  // the stop word is set
  kClosed,
  kPause,    // `pause_ns` has come: nothing happened
  kBusy,     // someone waits on these words already
  kFailed,   // the kernel refuses to sleep: `err`
};

struct WaitResult {
  Wake why;
  uint32_t index = 0;    // kDue: of which queue
  uint64_t late_ns = 0;  // kDue, kUntil: after the deadline
  int err = 0;
};

class Waiter {
 public:
  // The words stay mapped as long as this. `plain_futex`: do without futex_waitv, as on old kernels.
  Waiter(TimerWords words, SpinMargin margin, bool plain_futex = false)
      : words_(std::move(words)), margin_(margin), plain_futex_(plain_futex) {}
  Waiter(const Waiter&) = delete;
  Waiter& operator=(const Waiter&) = delete;

  // One thread at a time. A deadline at or before now ends it without a system call. Where the stop word cannot be
  // slept on (plain_futex) it is seen at `pause_ns`, or after kStopPoll.
  WaitResult Wait(uint64_t until_ns, uint64_t pause_ns);

  // Any thread: ends the wait of now and every later one. The object must outlive both.
  void Close();

  const TimerWords& words() const { return words_; }
  uint64_t spin_ns() const { return margin_.ns(); }  // of the waiting thread

  static constexpr uint64_t kStopPoll = 50'000'000;

 private:
  int Sleep(uint32_t seq, uint64_t until_ns);

  const TimerWords words_;
  SpinMargin margin_;
  const bool plain_futex_;
  std::atomic<bool> closed_{false};
};

}  // namespace softirq

#endif  // SOFTIRQ_HRTIMER_H_
