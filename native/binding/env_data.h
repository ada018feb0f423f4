// What one JavaScript environment (main thread or Worker) holds of the core. Only its own thread uses it.
#ifndef SOFTIRQ_BINDING_ENV_DATA_H_
#define SOFTIRQ_BINDING_ENV_DATA_H_

#include <napi.h>

#include <map>
#include <memory>
#include <set>

#include "binding/waiter_handle.h"
#include "bpf.h"
#include "deadline.h"
#include "mapping.h"
#include "segment.h"
#include "signal_stop.h"

namespace softirq {

// The reference keeps the memory under the core's pointers alive until the core has let go of them: members
// are destroyed in reverse order, so `view` comes first.
template <class T>
struct Held {
  Napi::ObjectReference view;
  T core;
};

template <class T>
using Table = std::map<uint32_t, std::unique_ptr<T>>;

struct EnvData {
  uint32_t last_id = 0;  // handles in JavaScript; never used twice
  Table<Held<SignalStop>> signal_stops;
  Table<Held<Deadline>> deadlines;
  Table<Segment> segments;
  Table<Held<Mapping>> mappings;
  Table<PerfBuffer> perf_buffers;
  Table<WaiterHandle> waiters;
  std::set<int> bpf_fds;  // maps, programs, BTF made by this environment

  // Joins every thread, takes back every handler and range. The environment must still be alive.
  void Clear() {
    waiters.clear();
    signal_stops.clear();
    deadlines.clear();
    mappings.clear();
    segments.clear();
    perf_buffers.clear();
    CloseBpfFds();
  }

  void CloseBpfFds();
};

void ExportStops(Napi::Env env, Napi::Object exports);
void ExportSegments(Napi::Env env, Napi::Object exports);
void ExportBpf(Napi::Env env, Napi::Object exports);
void ExportHrtimer(Napi::Env env, Napi::Object exports);

}  // namespace softirq

#endif  // SOFTIRQ_BINDING_ENV_DATA_H_
