// stopOnSignal, stopAt, fired, cancel. A handle is a number; a wrong one is refused.
#include <cerrno>

#include "binding/args.h"
#include "binding/env_data.h"

namespace softirq {
namespace {

// (view, off, value, chain) -> handle
Napi::Value StopOnSignal(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  StopWord stop;
  bool chain = false;
  auto held = std::make_unique<Held<SignalStop>>();
  if (data == nullptr || !GetStopWord(info, 0, &stop) || !GetBool(info, 3, &chain)) return {};
  if (!HoldView(info, 0, &held->view)) return {};
  if (const Status status = held->core.Add(stop, chain); !status.Ok()) {
    Throw(info.Env(), status);
    return {};
  }
  data->signal_stops[++data->last_id] = std::move(held);
  return Napi::Number::New(info.Env(), data->last_id);
}

// (view, off, value, deadlineNs) -> handle
Napi::Value StopAt(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  StopWord stop;
  uint64_t deadline_ns = 0;
  auto held = std::make_unique<Held<Deadline>>();
  if (data == nullptr || !GetStopWord(info, 0, &stop) || !GetUint64(info, 3, &deadline_ns)) return {};
  if (!HoldView(info, 0, &held->view)) return {};
  if (const Status status = held->core.Start(stop, deadline_ns); !status.Ok()) {
    Throw(info.Env(), status);
    return {};
  }
  data->deadlines[++data->last_id] = std::move(held);
  return Napi::Number::New(info.Env(), data->last_id);
}

// (handle) -> has it raised its word?
Napi::Value Fired(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  if (data == nullptr || !GetUint32(info, 0, &id)) return {};
  if (const auto it = data->signal_stops.find(id); it != data->signal_stops.end()) {
    return Napi::Boolean::New(info.Env(), it->second->core.Fired());
  }
  if (const auto it = data->deadlines.find(id); it != data->deadlines.end()) {
    return Napi::Boolean::New(info.Env(), it->second->core.Fired());
  }
  Throw(info.Env(), {EBADF, "stop is cancelled already"});
  return {};
}

template <class T>
bool CancelIn(Table<Held<T>>& table, uint32_t id, void (T::*end)(), bool* fired) {
  const auto it = table.find(id);
  if (it == table.end()) return false;
  (it->second->core.*end)();
  *fired = it->second->core.Fired();
  table.erase(it);
  return true;
}

// (handle) -> had it raised its word? Afterwards it will not.
Napi::Value Cancel(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  bool fired = false;
  if (data == nullptr || !GetUint32(info, 0, &id)) return {};
  if (CancelIn(data->signal_stops, id, &SignalStop::Remove, &fired) ||
      CancelIn(data->deadlines, id, &Deadline::Cancel, &fired)) {
    return Napi::Boolean::New(info.Env(), fired);
  }
  Throw(info.Env(), {EBADF, "stop is cancelled already"});
  return {};
}

}  // namespace

void ExportStops(Napi::Env env, Napi::Object exports) {
  exports.Set("stopOnSignal", Napi::Function::New(env, StopOnSignal, "stopOnSignal"));
  exports.Set("stopAt", Napi::Function::New(env, StopAt, "stopAt"));
  exports.Set("fired", Napi::Function::New(env, Fired, "fired"));
  exports.Set("cancel", Napi::Function::New(env, Cancel, "cancel"));
}

}  // namespace softirq
