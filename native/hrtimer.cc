#include "hrtimer.h"

#include <sys/prctl.h>

#include <cerrno>

#include "clock.h"

#ifndef SOFTIRQ_STEP
#define SOFTIRQ_STEP() static_cast<void>(0)  // stress/step.h makes it a delay
#endif

namespace softirq {
namespace {

std::atomic_ref<uint64_t> Word(uint64_t* word) { return std::atomic_ref<uint64_t>(*word); }
std::atomic_ref<uint32_t> Word(uint32_t* word) { return std::atomic_ref<uint32_t>(*word); }

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

// No slack for the sleeps of this thread while it lives. Slack only delays: where it cannot be set, sleeps are later.
class NoTimerSlack {
 public:
  NoTimerSlack() : before_(prctl(PR_GET_TIMERSLACK)) { prctl(PR_SET_TIMERSLACK, 1UL); }
  NoTimerSlack(const NoTimerSlack&) = delete;
  NoTimerSlack& operator=(const NoTimerSlack&) = delete;
  ~NoTimerSlack() {
    if (before_ > 0) prctl(PR_SET_TIMERSLACK, static_cast<unsigned long>(before_));
  }

 private:
  const long before_;
};

// Learned once in a process: no kernel or sandbox changes its mind.
std::atomic<bool> g_no_waitv{false};

}  // namespace

uint64_t TimerWords::Earliest(size_t* index) const {
  uint64_t earliest = kNever;
  for (size_t i = 0; i < due.size(); i++) {
    const uint64_t at = Word(due[i]).load(std::memory_order_seq_cst);  // W2
    if (at >= earliest) continue;
    earliest = at;
    *index = i;
  }
  return earliest;
}

bool TimerWords::WakeEarlier() const {
  size_t index = 0;
  const uint64_t earliest = Earliest(&index);
  SOFTIRQ_STEP();
  if (earliest >= Word(asleep).load(std::memory_order_seq_cst)) return false;  // A2; pairs with W1
  Word(seq).fetch_add(2, std::memory_order_seq_cst);
  FutexWake(seq);
  return true;
}

bool TimerWords::Publish(size_t index, uint64_t deadline) const {
  uint64_t at = Word(due[index]).load(std::memory_order_relaxed);
  while (deadline < at && !Word(due[index]).compare_exchange_weak(at, deadline, std::memory_order_seq_cst,  // A1
                                                                  std::memory_order_relaxed)) {
  }
  return WakeEarlier();
}

void TimerWords::Kick() const {
  Word(seq).fetch_or(kKick, std::memory_order_seq_cst);
  FutexWake(seq);
}

void Waiter::Close() {
  closed_.store(true, std::memory_order_seq_cst);
  SOFTIRQ_STEP();
  Word(words_.seq).fetch_add(2, std::memory_order_seq_cst);  // a wait that has not seen closed_ loaded seq before this
  FutexWake(words_.seq);
}

// 0 and EAGAIN, EINTR: look again; ETIMEDOUT.
int Waiter::Sleep(uint32_t seq, uint64_t until_ns) {
  if (!plain_futex_ && !g_no_waitv.load(std::memory_order_relaxed)) {
    const int err = FutexWaitTwo(words_.seq, seq, words_.stop, 0, until_ns);
    if (err != ENOSYS && err != EPERM) return err;
    g_no_waitv.store(true, std::memory_order_relaxed);
  }
  const NoTimerSlack none;  // futex_waitv has no slack; the plain futex has the thread's
  const uint64_t poll = MonotonicNs() + kStopPoll;
  if (until_ns <= poll) return FutexWait(words_.seq, seq, until_ns);
  const int err = FutexWait(words_.seq, seq, poll);
  return err == ETIMEDOUT ? EAGAIN : err;
}

WaitResult Waiter::Wait(uint64_t until_ns, uint64_t pause_ns) {
  if (Word(words_.asleep).load(std::memory_order_relaxed) != 0) return {Wake::kBusy};
  for (;;) {
    // seq comes first: whatever is stored after what we look at below changes it, and ends the sleep
    const uint32_t seq = Word(words_.seq).load(std::memory_order_seq_cst);
    SOFTIRQ_STEP();
    size_t index = 0;
    const uint64_t due = words_.Earliest(&index);
    const uint64_t target = due < until_ns ? due : until_ns;
    const uint64_t now = MonotonicNs();
    if (closed_.load(std::memory_order_seq_cst)) return {Wake::kClosed};
    if (Word(words_.stop).load(std::memory_order_acquire) != 0) return {Wake::kStopped};  // pairs with StopWord::Raise
    if ((seq & TimerWords::kKick) != 0) {
      Word(words_.seq).fetch_and(~TimerWords::kKick, std::memory_order_seq_cst);
      return {Wake::kKicked};
    }
    if (now >= target && target != kNever) {
      *words_.now = now;
      return {due <= until_ns ? Wake::kDue : Wake::kUntil, static_cast<uint32_t>(index), now - target};
    }
    if (now >= pause_ns) return {Wake::kPause};
    if (target - now <= margin_.ns()) {
      Pause();
      continue;
    }

    SOFTIRQ_STEP();
    Word(words_.asleep).store(target, std::memory_order_seq_cst);  // W1
    SOFTIRQ_STEP();
    int err = EAGAIN;
    const uint64_t wake_at = target == kNever ? kNever : target - margin_.ns();
    const bool unchanged = words_.Earliest(&index) == due;
    SOFTIRQ_STEP();
    if (unchanged) err = Sleep(seq, wake_at < pause_ns ? wake_at : pause_ns);
    Word(words_.asleep).store(0, std::memory_order_seq_cst);
    if (err == ETIMEDOUT && wake_at <= pause_ns) margin_.Record(MonotonicNs() - wake_at);
    if (err != 0 && err != ETIMEDOUT && err != EAGAIN && err != EINTR) return {Wake::kFailed, 0, 0, err};
  }
}

}  // namespace softirq
