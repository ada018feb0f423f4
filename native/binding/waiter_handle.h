// What an environment holds of one Waiter: the memory under its words, its thread, and the promise it owes.
#ifndef SOFTIRQ_BINDING_WAITER_HANDLE_H_
#define SOFTIRQ_BINDING_WAITER_HANDLE_H_

#include <napi.h>

#include <memory>

#include "short_slice.h"
#include "waiter_thread.h"

namespace softirq {

// Members are destroyed in reverse order: the thread, the waiter, and the views under their pointers last.
class WaiterHandle {
 public:
  explicit WaiterHandle(Napi::Env env) : env_(env) {}
  WaiterHandle(const WaiterHandle&) = delete;
  WaiterHandle& operator=(const WaiterHandle&) = delete;
  ~WaiterHandle();

  Napi::ObjectReference view;
  Napi::ObjectReference details;  // a Float64Array of kDetails: what a wait has to say beside its reason
  double* detail = nullptr;
  std::unique_ptr<Waiter> core;
  ShortSlice slice;  // of the environment's thread, from its first wait until the end of this

  bool owes() const { return owed_ != nullptr; }
  void Describe(const WaitResult& result);  // fills `detail`
  bool AskThread(uint64_t until_ns, Napi::Promise* out);
  void Settle(uint32_t reason);             // the promise that is owed, if there is one

 private:
  bool StartThread();
  void StopThread();
  static void OnEnvEnd(void* self);
  static void OnResult(void* self, const WaitResult& result);                              // the thread
  static void OnLoop(napi_env env, napi_value fn, void* context, void* data);              // the environment's thread

  const Napi::Env env_;
  napi_threadsafe_function to_loop_ = nullptr;
  napi_deferred owed_ = nullptr;
  WaitResult result_ = {};  // the thread's until it has called the loop
  WaiterThread thread_;
};

constexpr size_t kDetails = 4;  // lateness in ns, index of the queue, errno, ns spun before a deadline

}  // namespace softirq

#endif  // SOFTIRQ_BINDING_WAITER_HANDLE_H_
