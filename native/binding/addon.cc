// The addon's entry: what one environment gets. Policy, defaults and messages are TypeScript's (../binding.ts).
#include <cerrno>

#include "binding/args.h"
#include "binding/env_data.h"
#include "clock.h"

namespace softirq {
namespace {

constexpr uint32_t kAbi = 4;  // raised with every change of the exports; binding.ts refuses another

Napi::Value ClockNs(const Napi::CallbackInfo& info) { return Napi::BigInt::New(info.Env(), MonotonicNs()); }

Napi::Object Init(Napi::Env env, Napi::Object exports) {
  auto* data = new EnvData();
  env.SetInstanceData(data);
  if (env.IsExceptionPending()) {
    delete data;
    return exports;
  }
  // before the environment's references and memory go, and while its threads can still be joined
  const auto hook = env.AddCleanupHook([](EnvData* d) { d->Clear(); }, data);
  if (hook.IsEmpty()) {
    Throw(env, {ENOMEM, "add a cleanup hook"});
    return exports;
  }
  exports.Set("abi", Napi::Number::New(env, kAbi));
  exports.Set("clockNs", Napi::Function::New(env, ClockNs, "clockNs"));
  ExportStops(env, exports);
  ExportSegments(env, exports);
  ExportBpf(env, exports);
  ExportHrtimer(env, exports);
  return exports;
}

}  // namespace
}  // namespace softirq

// Outside of the namespace: the macro makes a function with C linkage.
static Napi::Object InitSoftirq(Napi::Env env, Napi::Object exports) { return softirq::Init(env, exports); }
NODE_API_MODULE(softirq, InitSoftirq)
