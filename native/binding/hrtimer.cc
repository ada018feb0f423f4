// Waiters and CPU ownership. A handle is a number; a wrong one is refused. Nothing here runs a timer.
#include <algorithm>
#include <cerrno>

#include "binding/args.h"
#include "binding/env_data.h"
#include "clock.h"
#include "cpu_lock.h"
#include "thread_policy.h"

namespace softirq {
namespace {

// A thread blocked here looks as often whether its environment ends: nobody can tell it (Worker terminated, exit).
constexpr uint64_t kLook = 200'000'000;

constexpr size_t kFixedWords = 4;

// Node refuses to touch JavaScript once the environment is to end; asking for an element is such a touch.
bool Ending(Napi::Env env, const Napi::ObjectReference& details) {
  const Napi::HandleScope scope(env);
  bool has = false;
  const napi_status status = napi_has_element(env, details.Value(), 0, &has);
  return status != napi_ok;
}

// An optional bigint; absent is `kNever`.
bool GetUntil(const Napi::CallbackInfo& info, size_t index, uint64_t* out) {
  *out = kNever;
  return info[index].IsUndefined() || GetUint64(info, index, out);
}

template <class T>
bool GetWord(const Napi::CallbackInfo& info, const Bytes& bytes, double off, T** out) {
  if (!(off >= 0) || bytes.length < sizeof(T) || off > static_cast<double>(bytes.length - sizeof(T))) {
    Throw(info.Env(), {ERANGE, "timer word outside of the memory"});
    return false;
  }
  *out = reinterpret_cast<T*>(bytes.data + static_cast<size_t>(off));
  if (off == static_cast<double>(static_cast<size_t>(off)) && reinterpret_cast<uintptr_t>(*out) % sizeof(T) == 0) return true;
  Throw(info.Env(), {EINVAL, "timer word is not aligned"});
  return false;
}

// A Float64Array of at least `least` numbers.
bool GetNumbers(const Napi::CallbackInfo& info, size_t index, size_t least, double** data, size_t* length) {
  napi_typedarray_type type = napi_int8_array;
  void* raw = nullptr;
  const bool ok = info[index].IsTypedArray() &&
                  napi_get_typedarray_info(info.Env(), info[index], &type, length, &raw, nullptr, nullptr) == napi_ok &&
                  type == napi_float64_array && *length >= least;
  if (!ok) ThrowType(info.Env(), "expected a Float64Array");
  *data = static_cast<double*>(raw);
  return ok;
}

// offsets: asleep, seq, stop, now, due ...
bool GetTimerWords(const Napi::CallbackInfo& info, const Bytes& bytes, const double* off, size_t count, TimerWords* out) {
  if (count > kFixedWords + TimerWords::kMostDue) {
    Throw(info.Env(), {E2BIG, "too many queues for a waiter"});
    return false;
  }
  if (!GetWord(info, bytes, off[0], &out->asleep) || !GetWord(info, bytes, off[1], &out->seq) ||
      !GetWord(info, bytes, off[2], &out->stop) || !GetWord(info, bytes, off[3], &out->now)) {
    return false;
  }
  std::vector<std::pair<uintptr_t, uintptr_t>> ranges = {
      {reinterpret_cast<uintptr_t>(out->asleep), 8}, {reinterpret_cast<uintptr_t>(out->seq), 4}, {reinterpret_cast<uintptr_t>(out->stop), 4},
      {reinterpret_cast<uintptr_t>(out->now), 8}};
  for (size_t i = kFixedWords; i < count; i++) {
    uint64_t* due = nullptr;
    if (!GetWord(info, bytes, off[i], &due)) return false;
    out->due.push_back(due);
    ranges.emplace_back(reinterpret_cast<uintptr_t>(due), 8);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); i++) {
    if (ranges[i - 1].first + ranges[i - 1].second <= ranges[i].first) continue;
    Throw(info.Env(), {EINVAL, "timer words overlap"});
    return false;
  }
  return true;
}

// (view, offsets, adaptive, spinNs, details) -> handle; spinNs counts where it is not adaptive
Napi::Value WaiterOpen(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  Bytes bytes;
  double* off = nullptr;
  size_t count = 0;
  bool adaptive = false;
  uint32_t spin_ns = 0;
  size_t details = 0;
  TimerWords words;
  auto handle = std::make_unique<WaiterHandle>(info.Env());
  if (data == nullptr || !GetBytes(info, 0, &bytes) || !GetNumbers(info, 1, kFixedWords + 1, &off, &count)) return {};
  if (!GetTimerWords(info, bytes, off, count, &words) || !GetBool(info, 2, &adaptive)) return {};
  if (!GetUint32(info, 3, &spin_ns) || !GetNumbers(info, 4, kDetails, &handle->detail, &details)) return {};
  if (!HoldView(info, 0, &handle->view) || !HoldView(info, 4, &handle->details)) return {};
  const SpinMargin margin = adaptive ? SpinMargin::Adaptive() : SpinMargin::Fixed(spin_ns);
  handle->core = std::make_unique<Waiter>(std::move(words), margin);
  data->waiters[++data->last_id] = std::move(handle);
  return Napi::Number::New(info.Env(), data->last_id);
}

WaiterHandle* Find(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  if (data == nullptr || !GetUint32(info, 0, &id)) return nullptr;
  const auto it = data->waiters.find(id);
  if (it != data->waiters.end()) return it->second.get();
  Throw(info.Env(), {EBADF, "waiter is closed"});
  return nullptr;
}

Status WaitError(const WaitResult& result) {
  if (result.why == Wake::kBusy) return {EBUSY, "wait: another waiter sleeps on these words"};
  return {result.err, "wait: no sleep"};
}

// (handle, until | undefined) -> reason; blocks this thread. Without an `until` Wasm may call it for the `()` it imports
Napi::Value WaiterWait(const Napi::CallbackInfo& info) {
  WaiterHandle* handle = Find(info);
  uint64_t until = kNever;
  if (handle == nullptr || !GetUntil(info, 1, &until)) return {};
  if (handle->owes()) {
    Throw(info.Env(), {EBUSY, "wait: still waiting"});
    return {};
  }
  handle->slice.Enter();
  for (;;) {
    const WaitResult result = handle->core->Wait(until, MonotonicNs() + kLook);
    if (result.why == Wake::kPause) {
      if (Ending(info.Env(), handle->details)) return {};
      continue;
    }
    if (result.why == Wake::kBusy || result.why == Wake::kFailed) {
      Throw(info.Env(), WaitError(result));
      return {};
    }
    handle->Describe(result);
    return Napi::Number::New(info.Env(), static_cast<uint32_t>(result.why));
  }
}

// (handle, until | undefined) -> promise of the reason
Napi::Value WaiterWaitAsync(const Napi::CallbackInfo& info) {
  WaiterHandle* handle = Find(info);
  uint64_t until = kNever;
  if (handle == nullptr || !GetUntil(info, 1, &until)) return {};
  Napi::Promise promise(info.Env(), nullptr);
  if (!handle->AskThread(until, &promise)) return {};
  return promise;
}

// (handle, index, deadline | undefined) -> was the waiter woken?
Napi::Value WaiterPublish(const Napi::CallbackInfo& info) {
  const WaiterHandle* handle = Find(info);
  uint32_t index = 0;
  if (handle == nullptr || !GetUint32(info, 1, &index)) return {};
  const TimerWords& words = handle->core->words();
  if (info[2].IsUndefined()) return Napi::Boolean::New(info.Env(), words.WakeEarlier());
  uint64_t deadline = 0;
  if (!GetUint64(info, 2, &deadline)) return {};
  if (index >= words.due.size()) {
    Throw(info.Env(), {ERANGE, "publish a deadline: no such queue"});
    return {};
  }
  return Napi::Boolean::New(info.Env(), words.Publish(index, deadline));
}

// (handle)
Napi::Value WaiterKick(const Napi::CallbackInfo& info) {
  const WaiterHandle* handle = Find(info);
  if (handle != nullptr) handle->core->words().Kick();
  return {};
}

// (handle): a promise that is owed says "closed"
Napi::Value WaiterClose(const Napi::CallbackInfo& info) {
  WaiterHandle* handle = Find(info);
  if (handle == nullptr) return {};
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  if (data == nullptr || !GetUint32(info, 0, &id)) return {};
  const std::unique_ptr<WaiterHandle> last = std::move(data->waiters[id]);
  data->waiters.erase(id);
  last->Settle(static_cast<uint32_t>(Wake::kClosed));
  return {};
}

bool GetCpuLock(const Napi::CallbackInfo& info, CpuLock* lock, uint32_t* owner) {
  Bytes bytes;
  size_t off = 0;
  if (!GetBytes(info, 0, &bytes) || !GetSize(info, 1, &off) || !GetUint32(info, 2, owner)) return false;
  if (!GetWord(info, bytes, static_cast<double>(off), &lock->word)) return false;
  if (*owner != 0 && *owner < CpuLock::kSleeper) return true;
  Throw(info.Env(), {EINVAL, "owner of a cpu: out of range"});
  return false;
}

// (view, off, owner, spinNs, until | undefined, details) -> owned, or the time is over; blocks this thread
Napi::Value CpuAcquire(const Napi::CallbackInfo& info) {
  CpuLock lock;
  uint32_t owner = 0;
  uint32_t spin_ns = 0;
  uint64_t until = kNever;
  if (!GetCpuLock(info, &lock, &owner) || !GetUint32(info, 3, &spin_ns) || !GetUntil(info, 4, &until)) return {};
  const Napi::ObjectReference view = Napi::Persistent(info[0].As<Napi::Object>());
  for (;;) {
    const int err = lock.Acquire(owner, spin_ns, std::min(until, MonotonicNs() + kLook));
    if (err == ETIMEDOUT && MonotonicNs() < until) {
      if (Ending(info.Env(), view)) return {};
      continue;
    }
    if (err != 0 && err != ETIMEDOUT) {
      Throw(info.Env(), {err, "acquire a cpu"});
      return {};
    }
    return Napi::Boolean::New(info.Env(), err == 0);
  }
}

// (view, off, owner)
Napi::Value CpuRelease(const Napi::CallbackInfo& info) {
  CpuLock lock;
  uint32_t owner = 0;
  if (!GetCpuLock(info, &lock, &owner)) return {};
  if (const int err = lock.Release(owner); err != 0) Throw(info.Env(), {err, "release a cpu: it is another's"});
  return {};
}

// (realtime): of this thread
Napi::Value ThreadRealtime(const Napi::CallbackInfo& info) {
  bool realtime = false;
  if (!GetBool(info, 0, &realtime)) return {};
  if (const int err = SetThreadRealtime(realtime); err != 0) Throw(info.Env(), {err, "run a thread before others"});
  return {};
}

}  // namespace

WaiterHandle::~WaiterHandle() { StopThread(); }

void WaiterHandle::Describe(const WaitResult& result) {
  detail[0] = static_cast<double>(result.late_ns);
  detail[1] = result.index;
  detail[2] = result.err;
  detail[3] = static_cast<double>(core->spin_ns());
}

// The environment ends its threadsafe functions by cleanup hooks, the youngest first. Ours is younger than that of
// its function: the thread is joined while the function is still there to be called.
bool WaiterHandle::StartThread() {
  napi_value name = nullptr;
  napi_status status = napi_create_string_utf8(env_, "softirq:timer", NAPI_AUTO_LENGTH, &name);
  if (status == napi_ok) {
    status = napi_create_threadsafe_function(env_, nullptr, nullptr, name, 0, 1, nullptr, nullptr, this, OnLoop, &to_loop_);
  }
  if (status == napi_ok) status = napi_add_env_cleanup_hook(env_, OnEnvEnd, this);
  if (status != napi_ok) {
    if (to_loop_ != nullptr) napi_release_threadsafe_function(to_loop_, napi_tsfn_abort);
    to_loop_ = nullptr;
    if (!env_.IsExceptionPending()) Throw(env_, {ENOMEM, "wait: make a way to the event loop"});
    return false;
  }
  if (const Status started = thread_.Start(core.get(), OnResult, this); !started.Ok()) {
    StopThread();
    Throw(env_, started);
    return false;
  }
  return true;
}

void WaiterHandle::StopThread() {
  thread_.Stop();
  if (to_loop_ == nullptr) return;
  napi_remove_env_cleanup_hook(env_, OnEnvEnd, this);
  napi_release_threadsafe_function(to_loop_, napi_tsfn_abort);  // what is queued comes without an environment
  to_loop_ = nullptr;
}

void WaiterHandle::OnEnvEnd(void* self) { static_cast<WaiterHandle*>(self)->StopThread(); }

bool WaiterHandle::AskThread(uint64_t until_ns, Napi::Promise* out) {
  if (owed_ != nullptr) {
    Throw(env_, {EBUSY, "wait: still waiting"});
    return false;
  }
  if (!thread_.running() && !StartThread()) return false;
  napi_value promise = nullptr;
  if (napi_create_promise(env_, &owed_, &promise) != napi_ok) {
    owed_ = nullptr;
    if (!env_.IsExceptionPending()) Throw(env_, {ENOMEM, "wait: make a promise"});
    return false;
  }
  *out = Napi::Promise(env_, promise);
  if (const Status status = thread_.Ask(until_ns); !status.Ok()) {
    Settle(static_cast<uint32_t>(Wake::kBusy));
    return true;
  }
  napi_ref_threadsafe_function(env_, to_loop_);  // what waits for a timer keeps the process, nothing else does
  return true;
}

void WaiterHandle::Settle(uint32_t reason) {
  if (owed_ == nullptr) return;
  const Napi::HandleScope scope(env_);
  napi_value value = nullptr;
  // fails only where the environment ends, and with it the promise
  if (napi_create_uint32(env_, reason, &value) == napi_ok) napi_resolve_deferred(env_, owed_, value);
  owed_ = nullptr;
}

void WaiterHandle::OnResult(void* self, const WaitResult& result) {
  auto* handle = static_cast<WaiterHandle*>(self);
  handle->result_ = result;
  // fails only when the function is aborted, after the thread has been joined
  napi_call_threadsafe_function(handle->to_loop_, nullptr, napi_tsfn_nonblocking);
}

void WaiterHandle::OnLoop(napi_env env, napi_value, void* context, void*) {
  if (env == nullptr) return;  // aborted: the handle may be gone
  auto* handle = static_cast<WaiterHandle*>(context);
  napi_unref_threadsafe_function(env, handle->to_loop_);
  handle->Describe(handle->result_);
  handle->Settle(static_cast<uint32_t>(handle->result_.why));
}

void ExportHrtimer(Napi::Env env, Napi::Object exports) {
  exports.Set("waiterOpen", Napi::Function::New(env, WaiterOpen, "waiterOpen"));
  exports.Set("waiterWait", Napi::Function::New(env, WaiterWait, "waiterWait"));
  exports.Set("waiterWaitAsync", Napi::Function::New(env, WaiterWaitAsync, "waiterWaitAsync"));
  exports.Set("waiterPublish", Napi::Function::New(env, WaiterPublish, "waiterPublish"));
  exports.Set("waiterKick", Napi::Function::New(env, WaiterKick, "waiterKick"));
  exports.Set("waiterClose", Napi::Function::New(env, WaiterClose, "waiterClose"));
  exports.Set("cpuAcquire", Napi::Function::New(env, CpuAcquire, "cpuAcquire"));
  exports.Set("cpuRelease", Napi::Function::New(env, CpuRelease, "cpuRelease"));
  exports.Set("threadRealtime", Napi::Function::New(env, ThreadRealtime, "threadRealtime"));
}

}  // namespace softirq
