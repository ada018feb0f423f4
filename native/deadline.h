// Raises a stop word at a time of the monotonic clock, from a thread of its own.
#ifndef SOFTIRQ_DEADLINE_H_
#define SOFTIRQ_DEADLINE_H_

#include <pthread.h>

#include <atomic>
#include <cstdint>

#include "error.h"
#include "stop_word.h"

namespace softirq {

class Deadline {
 public:
  Deadline() = default;
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;
  ~Deadline() { Cancel(); }

  // Start and Cancel by one thread at a time; Fired by any.
  Status Start(StopWord stop, uint64_t deadline_ns);
  void Cancel();  // joins: afterwards nothing touches the word; again is harmless
  bool Fired() const { return fired_.load(std::memory_order_acquire); }

 private:
  static void* Main(void* self);
  void Run();

  StopWord stop_;
  uint64_t deadline_ns_ = 0;
  std::atomic<bool> fired_{false};
  bool running_ = false;
  bool cancelled_ = false;  // guarded by mutex_
  pthread_t thread_ = {};
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
  pthread_cond_t wake_ = {};
};

}  // namespace softirq

#endif  // SOFTIRQ_DEADLINE_H_
