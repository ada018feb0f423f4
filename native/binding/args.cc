#include "binding/args.h"

#include <cerrno>
#include <cstring>

namespace softirq {

void Throw(Napi::Env env, const Status& status) {
  const std::string message = std::string(status.what) + ": " + strerror(status.err);
  Napi::Error error = Napi::Error::New(env, message);
  if (env.IsExceptionPending()) return;
  error.Set("errno", Napi::Number::New(env, status.err));
  error.ThrowAsJavaScriptException();
}

void ThrowType(Napi::Env env, const char* message) { Napi::TypeError::New(env, message).ThrowAsJavaScriptException(); }

bool GetBytes(const Napi::CallbackInfo& info, size_t index, Bytes* out) {
  bool is_typed = false;
  napi_typedarray_type type = napi_int8_array;
  void* data = nullptr;
  const bool ok = napi_is_typedarray(info.Env(), info[index], &is_typed) == napi_ok && is_typed &&
                  napi_get_typedarray_info(info.Env(), info[index], &type, &out->length, &data, nullptr, nullptr) ==
                      napi_ok &&
                  type == napi_uint8_array && data != nullptr;
  if (!ok) ThrowType(info.Env(), "expected a Uint8Array");
  out->data = static_cast<uint8_t*>(data);
  return ok;
}

bool GetUint32(const Napi::CallbackInfo& info, size_t index, uint32_t* out) {
  size_t value = 0;
  if (!GetSize(info, index, &value)) return false;
  if (value > UINT32_MAX) {
    ThrowType(info.Env(), "expected an unsigned 32-bit number");
    return false;
  }
  *out = static_cast<uint32_t>(value);
  return true;
}

bool GetSize(const Napi::CallbackInfo& info, size_t index, size_t* out) {
  double value = -1;
  const bool ok = napi_get_value_double(info.Env(), info[index], &value) == napi_ok && value >= 0 &&
                  value <= 9007199254740991.0 && value == static_cast<double>(static_cast<uint64_t>(value));
  if (!ok) {
    ThrowType(info.Env(), "expected a whole number that is not negative");
    return false;
  }
  *out = static_cast<size_t>(value);
  return true;
}

bool GetUint64(const Napi::CallbackInfo& info, size_t index, uint64_t* out) {
  bool lossless = false;
  const bool ok = napi_get_value_bigint_uint64(info.Env(), info[index], out, &lossless) == napi_ok && lossless;
  if (!ok) ThrowType(info.Env(), "expected an unsigned 64-bit bigint");
  return ok;
}

bool GetBool(const Napi::CallbackInfo& info, size_t index, bool* out) {
  const bool ok = napi_get_value_bool(info.Env(), info[index], out) == napi_ok;
  if (!ok) ThrowType(info.Env(), "expected a boolean");
  return ok;
}

bool GetPath(const Napi::CallbackInfo& info, size_t index, std::string* out) {
  if (!info[index].IsString()) {
    ThrowType(info.Env(), "expected a path");
    return false;
  }
  *out = info[index].As<Napi::String>().Utf8Value();
  const bool ok = !info.Env().IsExceptionPending() && !out->empty() && out->find('\0') == std::string::npos;
  if (!ok && !info.Env().IsExceptionPending()) ThrowType(info.Env(), "expected a path");
  return ok;
}

bool GetStopWord(const Napi::CallbackInfo& info, size_t index, StopWord* out) {
  Bytes bytes;
  size_t off = 0;
  if (!GetBytes(info, index, &bytes) || !GetSize(info, index + 1, &off)) return false;
  if (!GetUint32(info, index + 2, &out->value)) return false;
  if (bytes.length < 4 || off > bytes.length - 4) {
    Throw(info.Env(), {ERANGE, "stop word outside of the memory"});
    return false;
  }
  out->word = reinterpret_cast<uint32_t*>(bytes.data + off);
  if (reinterpret_cast<uintptr_t>(out->word) % alignof(uint32_t) != 0 || out->value == 0) {
    Throw(info.Env(), {EINVAL, "stop word is not aligned, or its value is zero"});
    return false;
  }
  return true;
}

bool HoldView(const Napi::CallbackInfo& info, size_t index, Napi::ObjectReference* out) {
  *out = Napi::Persistent(info[index].As<Napi::Object>());
  return !out->IsEmpty() && !info.Env().IsExceptionPending();
}

EnvData* GetEnvData(Napi::Env env) {
  EnvData* data = env.GetInstanceData<EnvData>();
  if (data == nullptr && !env.IsExceptionPending()) Throw(env, {ECANCELED, "the environment is going away"});
  return data;
}

}  // namespace softirq
