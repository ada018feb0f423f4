// Arguments from JavaScript, each checked; a failed check leaves an exception and returns false.
#ifndef SOFTIRQ_BINDING_ARGS_H_
#define SOFTIRQ_BINDING_ARGS_H_

#include <napi.h>

#include <cstdint>
#include <string>

#include "binding/env_data.h"
#include "error.h"
#include "stop_word.h"

namespace softirq {

// The bytes of a Uint8Array, also of one over shared memory. Never asks for its ArrayBuffer: Node 20 refuses.
struct Bytes {
  uint8_t* data = nullptr;
  size_t length = 0;
};

bool GetBytes(const Napi::CallbackInfo& info, size_t index, Bytes* out);
bool GetUint32(const Napi::CallbackInfo& info, size_t index, uint32_t* out);
bool GetUint64(const Napi::CallbackInfo& info, size_t index, uint64_t* out);  // from a bigint
bool GetSize(const Napi::CallbackInfo& info, size_t index, size_t* out);      // from a number up to 2^53
bool GetBool(const Napi::CallbackInfo& info, size_t index, bool* out);
bool GetPath(const Napi::CallbackInfo& info, size_t index, std::string* out);
// view, byte offset, value from three arguments that begin at `index`
bool GetStopWord(const Napi::CallbackInfo& info, size_t index, StopWord* out);

bool HoldView(const Napi::CallbackInfo& info, size_t index, Napi::ObjectReference* out);
EnvData* GetEnvData(Napi::Env env);  // nullptr leaves an exception

// An Error with `errno`; the loader gives it its name.
void Throw(Napi::Env env, const Status& status);
void ThrowType(Napi::Env env, const char* message);

}  // namespace softirq

#endif  // SOFTIRQ_BINDING_ARGS_H_
