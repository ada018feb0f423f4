// A thread of its own for a Waiter, so that nobody else blocks: asked for one wait at a time, it delivers the result.
#ifndef SOFTIRQ_WAITER_THREAD_H_
#define SOFTIRQ_WAITER_THREAD_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "error.h"
#include "hrtimer.h"

namespace softirq {

class WaiterThread {
 public:
  using Deliver = void (*)(void* arg, const WaitResult& result);

  WaiterThread() = default;
  WaiterThread(const WaiterThread&) = delete;
  WaiterThread& operator=(const WaiterThread&) = delete;
  ~WaiterThread() { Stop(); }

  // All three by one thread at a time. `deliver` is called on the new thread.
  Status Start(Waiter* waiter, Deliver deliver, void* arg);
  Status Ask(uint64_t until_ns);  // EBUSY until the last result has been delivered
  void Stop();                    // closes the waiter and joins: nothing is delivered afterwards; again is harmless

  bool running() const { return running_; }

 private:
  enum State : uint32_t { kIdle, kAsked, kEnded };

  static void* Main(void* self);
  void Run();

  Waiter* waiter_ = nullptr;
  Deliver deliver_ = nullptr;
  void* arg_ = nullptr;
  bool running_ = false;
  pthread_t thread_ = {};
  uint64_t until_ns_ = 0;  // the asker's until it stores kAsked, the thread's until it stores kIdle
  uint32_t state_ = kIdle;
};

}  // namespace softirq

#endif  // SOFTIRQ_WAITER_THREAD_H_
