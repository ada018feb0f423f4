#include "deadline.h"

#include <cerrno>
#include <ctime>

#include "clock.h"
#include "quiet_thread.h"

namespace softirq {
namespace {

// The condition's time is the monotonic clock's.
int InitMonotonic(pthread_cond_t* cond) {
  pthread_condattr_t attr;
  if (const int err = pthread_condattr_init(&attr); err != 0) return err;
  int err = pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
  if (err == 0) err = pthread_cond_init(cond, &attr);
  pthread_condattr_destroy(&attr);
  return err;
}

}  // namespace

Status Deadline::Start(StopWord stop, uint64_t deadline_ns) {
  if (running_) return {EBUSY, "deadline: already started"};
  stop_ = stop;
  deadline_ns_ = deadline_ns;
  cancelled_ = false;
  fired_.store(false, std::memory_order_relaxed);  // the thread starts after this
  if (const int err = InitMonotonic(&wake_); err != 0) return {err, "deadline: create a condition"};

  if (const int err = StartQuietThread(&thread_, Main, this); err != 0) {
    pthread_cond_destroy(&wake_);
    return {err, "deadline: start a thread"};
  }
  running_ = true;
  return {};
}

void Deadline::Cancel() {
  if (!running_) return;
  pthread_mutex_lock(&mutex_);
  cancelled_ = true;
  pthread_cond_signal(&wake_);
  pthread_mutex_unlock(&mutex_);
  pthread_join(thread_, nullptr);
  pthread_cond_destroy(&wake_);
  running_ = false;
}

void* Deadline::Main(void* self) {
  static_cast<Deadline*>(self)->Run();
  return nullptr;
}

void Deadline::Run() {
  const timespec until = {static_cast<time_t>(deadline_ns_ / kNsPerSec), static_cast<long>(deadline_ns_ % kNsPerSec)};
  pthread_mutex_lock(&mutex_);
  int err = 0;
  while (!cancelled_ && err != ETIMEDOUT) err = pthread_cond_timedwait(&wake_, &mutex_, &until);
  const bool due = !cancelled_;
  pthread_mutex_unlock(&mutex_);
  if (!due) return;
  fired_.store(true, std::memory_order_release);  // pairs with Fired
  stop_.Raise();
}

}  // namespace softirq
