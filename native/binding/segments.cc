// Segments and their mappings. A handle is a number; a wrong one is refused.
#include <cerrno>

#include "binding/args.h"
#include "binding/env_data.h"

namespace softirq {
namespace {

constexpr size_t kWasmPage = 65536;

Napi::Value AddSegment(const Napi::CallbackInfo& info, std::unique_ptr<Segment> segment, const Status& status) {
  if (!status.Ok()) {
    Throw(info.Env(), status);
    return {};
  }
  EnvData* data = GetEnvData(info.Env());
  if (data == nullptr) return {};
  data->segments[++data->last_id] = std::move(segment);
  return Napi::Number::New(info.Env(), data->last_id);
}

// (directory, size) -> handle of a segment that has no name yet
Napi::Value SegmentCreate(const Napi::CallbackInfo& info) {
  std::string directory;
  size_t size = 0;
  if (!GetPath(info, 0, &directory) || !GetSize(info, 1, &size)) return {};
  auto segment = std::make_unique<Segment>();
  const Status status = segment->Create(directory.c_str(), size);
  return AddSegment(info, std::move(segment), status);
}

// (size) -> handle of a sealed segment that never has a name
Napi::Value SegmentAnonymous(const Napi::CallbackInfo& info) {
  size_t size = 0;
  if (!GetSize(info, 0, &size)) return {};
  auto segment = std::make_unique<Segment>();
  const Status status = segment->CreateAnonymous(size);
  return AddSegment(info, std::move(segment), status);
}

// (path, size) -> handle
Napi::Value SegmentOpen(const Napi::CallbackInfo& info) {
  std::string path;
  size_t size = 0;
  if (!GetPath(info, 0, &path) || !GetSize(info, 1, &size)) return {};
  auto segment = std::make_unique<Segment>();
  const Status status = segment->Open(path.c_str(), size);
  return AddSegment(info, std::move(segment), status);
}

template <class T>
T* Find(const Napi::CallbackInfo& info, Table<T> EnvData::*table, size_t index, const char* what) {
  EnvData* data = GetEnvData(info.Env());
  uint32_t id = 0;
  if (data == nullptr || !GetUint32(info, index, &id)) return nullptr;
  const auto it = (data->*table).find(id);
  if (it != (data->*table).end()) return it->second.get();
  Throw(info.Env(), {EBADF, what});
  return nullptr;
}

// (handle, path)
Napi::Value SegmentPublish(const Napi::CallbackInfo& info) {
  Segment* segment = Find(info, &EnvData::segments, 0, "segment is closed");
  std::string path;
  if (segment == nullptr || !GetPath(info, 1, &path)) return {};
  if (const Status status = segment->Publish(path.c_str()); !status.Ok()) Throw(info.Env(), status);
  return {};
}

// (handle)
Napi::Value SegmentClose(const Napi::CallbackInfo& info) {
  if (Find(info, &EnvData::segments, 0, "segment is closed") == nullptr) return {};
  uint32_t id = 0;
  if (GetUint32(info, 0, &id)) GetEnvData(info.Env())->segments.erase(id);
  return {};
}

// The range must lie in the memory as the view has it, and the view must be one of a whole Wasm memory: only
// there are pages that belong to nobody else.
Status CheckRange(const Bytes& bytes, size_t off, size_t size) {
  if (reinterpret_cast<uintptr_t>(bytes.data) % kWasmPage != 0 || bytes.length % kWasmPage != 0) {
    return {EINVAL, "map a segment: not the view of a whole WebAssembly memory"};
  }
  if (off > bytes.length || size > bytes.length - off) return {ERANGE, "map a segment: outside of the memory"};
  return {};
}

// (view, off, segment handle, stop word's off, value) -> handle; the stop word is in the same view
Napi::Value Map(const Napi::CallbackInfo& info) {
  Segment* segment = Find(info, &EnvData::segments, 2, "segment is closed");
  Bytes bytes;
  size_t off = 0;
  size_t stop_off = 0;
  StopWord stop;
  if (segment == nullptr || !GetBytes(info, 0, &bytes) || !GetSize(info, 1, &off)) return {};
  if (!GetSize(info, 3, &stop_off) || !GetUint32(info, 4, &stop.value)) return {};
  Status status = CheckRange(bytes, off, segment->size());
  const bool stop_inside = stop_off + 4 > off && stop_off < off + segment->size();
  if (status.Ok() && (stop_off % 4 != 0 || stop_off > bytes.length - 4 || stop_inside || stop.value == 0)) {
    status = {EINVAL, "map a segment: stop word is misplaced, or its value is zero"};
  }
  auto held = std::make_unique<Held<Mapping>>();
  if (status.Ok()) {
    if (!HoldView(info, 0, &held->view)) return {};
    stop.word = reinterpret_cast<uint32_t*>(bytes.data + stop_off);
    status = held->core.Map(bytes.data + off, *segment, stop);
  }
  EnvData* data = GetEnvData(info.Env());
  if (data == nullptr) return {};
  if (!status.Ok()) {
    Throw(info.Env(), status);
    return {};
  }
  data->mappings[++data->last_id] = std::move(held);
  return Napi::Number::New(info.Env(), data->last_id);
}

// (handle) -> has its file been truncated under it?
Napi::Value Faulted(const Napi::CallbackInfo& info) {
  const Held<Mapping>* held = Find(info, &EnvData::mappings, 0, "segment is unmapped already");
  if (held == nullptr) return {};
  return Napi::Boolean::New(info.Env(), held->core.Faulted());
}

// (handle)
Napi::Value Unmap(const Napi::CallbackInfo& info) {
  if (Find(info, &EnvData::mappings, 0, "segment is unmapped already") == nullptr) return {};
  uint32_t id = 0;
  if (GetUint32(info, 0, &id)) GetEnvData(info.Env())->mappings.erase(id);
  return {};
}

}  // namespace

void ExportSegments(Napi::Env env, Napi::Object exports) {
  exports.Set("segmentCreate", Napi::Function::New(env, SegmentCreate, "segmentCreate"));
  exports.Set("segmentAnonymous", Napi::Function::New(env, SegmentAnonymous, "segmentAnonymous"));
  exports.Set("segmentOpen", Napi::Function::New(env, SegmentOpen, "segmentOpen"));
  exports.Set("segmentPublish", Napi::Function::New(env, SegmentPublish, "segmentPublish"));
  exports.Set("segmentClose", Napi::Function::New(env, SegmentClose, "segmentClose"));
  exports.Set("map", Napi::Function::New(env, Map, "map"));
  exports.Set("faulted", Napi::Function::New(env, Faulted, "faulted"));
  exports.Set("unmap", Napi::Function::New(env, Unmap, "unmap"));
}

}  // namespace softirq
