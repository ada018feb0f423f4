#include "waiter_thread.h"

#include <cerrno>

#include "quiet_thread.h"
#include "short_slice.h"

namespace softirq {

Status WaiterThread::Start(Waiter* waiter, Deliver deliver, void* arg) {
  if (running_) return {EBUSY, "wait: already has a thread"};
  waiter_ = waiter;
  deliver_ = deliver;
  arg_ = arg;
  state_ = kIdle;
  if (const int err = StartQuietThread(&thread_, Main, this); err != 0) return {err, "wait: start a thread"};
  running_ = true;
  return {};
}

Status WaiterThread::Ask(uint64_t until_ns) {
  std::atomic_ref<uint32_t> state(state_);
  // acquire: pairs with the thread's release of kIdle, which ends its use of until_ns_
  if (!running_ || state.load(std::memory_order_acquire) != kIdle) return {EBUSY, "wait: still waiting"};
  until_ns_ = until_ns;
  state.store(kAsked, std::memory_order_release);
  FutexWake(&state_);
  return {};
}

void WaiterThread::Stop() {
  if (!running_) return;
  std::atomic_ref<uint32_t>(state_).store(kEnded, std::memory_order_release);
  FutexWake(&state_);
  waiter_->Close();
  pthread_join(thread_, nullptr);
  running_ = false;
}

void* WaiterThread::Main(void* self) {
  static_cast<WaiterThread*>(self)->Run();
  return nullptr;
}

void WaiterThread::Run() {
  std::atomic_ref<uint32_t> state(state_);
  ShortSlice slice;
  slice.Enter();
  for (;;) {
    switch (state.load(std::memory_order_acquire)) {
      case kEnded:
        return;
      case kIdle:
        FutexWait(&state_, kIdle, kNever);  // whatever ends it, the state says what to do
        continue;
      default:
        break;
    }
    const WaitResult result = waiter_->Wait(until_ns_, kNever);
    uint32_t asked = kAsked;
    // idle first: who gets the result may ask again. Fails where Stop came between.
    if (!state.compare_exchange_strong(asked, kIdle, std::memory_order_release, std::memory_order_relaxed)) return;
    deliver_(arg_, result);
  }
}

}  // namespace softirq
