// The word in a world's memory that ends its run when it is not zero. The first reason to stop stays.
#ifndef SOFTIRQ_STOP_WORD_H_
#define SOFTIRQ_STOP_WORD_H_

#include <atomic>
#include <cstdint>

#include "futex.h"

namespace softirq {

struct StopWord {
  uint32_t* word = nullptr;
  uint32_t value = 1;

  // Any thread, also a signal handler. The word must stay mapped.
  void Raise() const {
    uint32_t expected = 0;
    // release: who sees the stop also sees why (Fired, Faulted); pairs with the poll in the world's loops
    const bool first = std::atomic_ref<uint32_t>(*word).compare_exchange_strong(
        expected, value, std::memory_order_release, std::memory_order_relaxed);
    if (first) FutexWake(word);  // who sleeps on it: Waiter
  }
};

static_assert(std::atomic_ref<uint32_t>::is_always_lock_free);  // a signal handler may not take a lock

}  // namespace softirq

#endif  // SOFTIRQ_STOP_WORD_H_
