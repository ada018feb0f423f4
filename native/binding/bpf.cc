// bpf, bpfClose, runPackets, affinity, perf buffers. Results of the kernel come back as they are: a negative number
// is an errno value. Descriptors made here are known here, so that they end with their environment.
#include "bpf.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "binding/args.h"
#include "binding/env_data.h"

namespace softirq {
namespace {

constexpr size_t kMaxAttr = 256;    // more than any bpf_attr has
constexpr size_t kAffinity = 1024;  // bytes: 8192 CPUs

bool MakesFd(uint32_t command) { return command == 0 /* map */ || command == 5 /* program */ || command == 18 /* btf */; }

// One address into the attribute: (offset, view, bytes the kernel may use there).
bool PutAddress(const Napi::CallbackInfo& info, size_t index, uint8_t* attr, size_t size) {
  size_t off = 0;
  size_t need = 0;
  Bytes bytes;
  if (!GetSize(info, index, &off) || !GetBytes(info, index + 1, &bytes) || !GetSize(info, index + 2, &need)) return false;
  if (off > size || size - off < 8 || need > bytes.length) {
    Throw(info.Env(), {ERANGE, "bpf: address outside of the attribute, or too few bytes behind it"});
    return false;
  }
  const uint64_t address = reinterpret_cast<uintptr_t>(bytes.data);
  memcpy(attr + off, &address, sizeof(address));
  return true;
}

// (command, attr, [off, view, need]...) -> result or minus errno; attr holds what the kernel wrote, less the addresses
Napi::Value Bpf(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t command = 0;
  Bytes attr;
  if (data == nullptr || !GetUint32(info, 0, &command) || !GetBytes(info, 1, &attr)) return {};
  if (attr.length > kMaxAttr) {
    Throw(info.Env(), {E2BIG, "bpf: attribute"});
    return {};
  }
  alignas(8) uint8_t copy[kMaxAttr] = {};
  memcpy(copy, attr.data, attr.length);
  for (size_t i = 2; i < info.Length(); i += 3) {
    if (!PutAddress(info, i, copy, attr.length)) return {};
  }
  const int result = BpfCall(command, copy, attr.length);
  for (size_t i = 2; i < info.Length(); i += 3) {
    size_t off = 0;
    if (GetSize(info, i, &off)) memset(copy + off, 0, 8);
  }
  memcpy(attr.data, copy, attr.length);
  if (result >= 0 && MakesFd(command)) data->bpf_fds.insert(result);
  return Napi::Number::New(info.Env(), result);
}

// (fd) of bpf
Napi::Value BpfClose(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t fd = 0;
  if (data == nullptr || !GetUint32(info, 0, &fd)) return {};
  if (data->bpf_fds.erase(static_cast<int>(fd)) == 0) {
    Throw(info.Env(), {EBADF, "bpf: close"});
    return {};
  }
  close(static_cast<int>(fd));
  return {};
}

// (fd, bytes, rows, retvals) -> ns of all, or minus errno. rows: u32 offset and length each.
Napi::Value RunPacketsOf(const Napi::CallbackInfo& info) {
  uint32_t fd = 0;
  Bytes bytes;
  Bytes rows;
  Bytes retvals;
  if (!GetUint32(info, 0, &fd) || !GetBytes(info, 1, &bytes) || !GetBytes(info, 2, &rows) || !GetBytes(info, 3, &retvals)) {
    return {};
  }
  const size_t count = rows.length / sizeof(PacketRow);
  const auto* row = reinterpret_cast<const PacketRow*>(rows.data);
  bool fits = reinterpret_cast<uintptr_t>(rows.data) % 4 == 0 && reinterpret_cast<uintptr_t>(retvals.data) % 4 == 0 &&
              retvals.length / 4 >= count;
  for (size_t i = 0; fits && i < count; i++) fits = row[i].off <= bytes.length && row[i].len <= bytes.length - row[i].off;
  if (!fits) {
    Throw(info.Env(), {ERANGE, "run packets"});
    return {};
  }
  uint64_t ns = 0;
  const int err =
      RunPackets(static_cast<int>(fd), bytes.data, row, count, reinterpret_cast<uint32_t*>(retvals.data), &ns);
  return Napi::Number::New(info.Env(), err == 0 ? static_cast<double>(ns) : -err);
}

// () -> the set of CPUs of this thread
Napi::Value Affinity(const Napi::CallbackInfo& info) {
  uint8_t set[kAffinity] = {};
  if (const int err = GetAffinity(set, sizeof(set)); err != 0) {
    Throw(info.Env(), {err, "get affinity"});
    return {};
  }
  Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), sizeof(set));
  if (!info.Env().IsExceptionPending()) memcpy(out.Data(), set, sizeof(set));
  return out;
}

// (set) -> 0 or minus errno
Napi::Value PutAffinity(const Napi::CallbackInfo& info) {
  Bytes set;
  if (!GetBytes(info, 0, &set)) return {};
  return Napi::Number::New(info.Env(), -SetAffinity(set.data, set.length));
}

PerfBuffer* FindPerf(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  if (data == nullptr || !GetUint32(info, 0, &id)) return nullptr;
  const auto it = data->perf_buffers.find(id);
  if (it != data->perf_buffers.end()) return it->second.get();
  Throw(info.Env(), {EBADF, "perf buffer is closed already"});
  return nullptr;
}

// (cpu, pages) -> handle
Napi::Value PerfOpen(const Napi::CallbackInfo& info) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t cpu = 0;
  uint32_t pages = 0;
  if (data == nullptr || !GetUint32(info, 0, &cpu) || !GetUint32(info, 1, &pages)) return {};
  auto buffer = std::make_unique<PerfBuffer>();
  if (const Status status = buffer->Open(static_cast<int>(cpu), pages); !status.Ok()) {
    Throw(info.Env(), status);
    return {};
  }
  data->perf_buffers[++data->last_id] = std::move(buffer);
  return Napi::Number::New(info.Env(), data->last_id);
}

// (handle) -> the event's descriptor
Napi::Value PerfFd(const Napi::CallbackInfo& info) {
  const PerfBuffer* buffer = FindPerf(info);
  if (buffer == nullptr) return {};
  return Napi::Number::New(info.Env(), buffer->fd());
}

// (handle) -> bytes of the next record, or how many were lost, or undefined
Napi::Value PerfRead(const Napi::CallbackInfo& info) {
  PerfBuffer* buffer = FindPerf(info);
  PerfBuffer::Record record = {};
  if (buffer == nullptr || !buffer->Read(&record)) return info.Env().Undefined();
  if (record.lost != 0) return Napi::Number::New(info.Env(), static_cast<double>(record.lost));
  Napi::Uint8Array out = Napi::Uint8Array::New(info.Env(), record.bytes.size());
  if (!info.Env().IsExceptionPending() && !record.bytes.empty()) memcpy(out.Data(), record.bytes.data(), record.bytes.size());
  return out;
}

// (handle)
Napi::Value PerfClose(const Napi::CallbackInfo& info) {
  if (FindPerf(info) == nullptr) return {};
  uint32_t id = 0;
  if (GetUint32(info, 0, &id)) GetEnvData(info.Env())->perf_buffers.erase(id);
  return {};
}

}  // namespace

void EnvData::CloseBpfFds() {
  for (const int fd : bpf_fds) close(fd);
  bpf_fds.clear();
}

void ExportBpf(Napi::Env env, Napi::Object exports) {
  exports.Set("bpf", Napi::Function::New(env, Bpf, "bpf"));
  exports.Set("bpfClose", Napi::Function::New(env, BpfClose, "bpfClose"));
  exports.Set("runPackets", Napi::Function::New(env, RunPacketsOf, "runPackets"));
  exports.Set("affinity", Napi::Function::New(env, Affinity, "affinity"));
  exports.Set("setAffinity", Napi::Function::New(env, PutAffinity, "setAffinity"));
  exports.Set("perfOpen", Napi::Function::New(env, PerfOpen, "perfOpen"));
  exports.Set("perfFd", Napi::Function::New(env, PerfFd, "perfFd"));
  exports.Set("perfRead", Napi::Function::New(env, PerfRead, "perfRead"));
  exports.Set("perfClose", Napi::Function::New(env, PerfClose, "perfClose"));
}

}  // namespace softirq
