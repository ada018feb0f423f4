#include "signal_stop.h"

#include <cerrno>
#include <csignal>
#include <mutex>

#include "installed_handler.h"

namespace softirq {
namespace {

constexpr int kMaxStops = 64;

struct Slot {
  std::atomic<uint32_t*> word{nullptr};  // the other fields are valid while this is set
  uint32_t value = 0;
  bool chain = false;
  std::atomic<bool> fired{false};
};

// Globals: a signal handler has no other way to its data.
Slot g_slots[kMaxStops];
std::mutex g_mutex;  // guards registration, never taken by the handler
int g_used = 0;

void OnSignal(int signo, siginfo_t* info, void* context);
InstalledHandler g_handler(SIGINT, OnSignal, SA_RESTART);

void OnSignal(int signo, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  bool first = false;
  bool chain = false;
  g_handler.gate.Enter();
  for (Slot& slot : g_slots) {
    uint32_t* word = slot.word.load(std::memory_order_seq_cst);  // see HandlerGate
    if (word == nullptr) continue;
    if (!slot.fired.exchange(true, std::memory_order_relaxed)) first = true;  // ordered by Raise
    chain = chain || slot.chain;
    StopWord{word, slot.value}.Raise();
  }
  const struct sigaction previous = g_handler.Previous();
  g_handler.gate.Leave();
  if (chain) {
    CallHandler(previous, signo, info, context);
  } else if (!first) {
    sigaction(signo, &previous, nullptr);
    raise(signo);  // delivered when this handler returns
  }
  errno = saved_errno;
}

}  // namespace

Status SignalStop::Add(StopWord stop, bool chain) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (slot_ >= 0) return {EBUSY, "stop on signal: already registered"};
  int free = 0;
  while (free < kMaxStops && g_slots[free].word.load(std::memory_order_relaxed) != nullptr) free++;
  if (free == kMaxStops) return {ENOSPC, "stop on signal: too many at once"};
  Slot& slot = g_slots[free];
  slot.value = stop.value;
  slot.chain = chain;
  slot.fired.store(false, std::memory_order_relaxed);
  slot.word.store(stop.word, std::memory_order_seq_cst);  // publishes the fields above to the handler
  if (g_used == 0) {
    if (const Status status = g_handler.Install(); !status.Ok()) {
      slot.word.store(nullptr, std::memory_order_seq_cst);
      return status;
    }
  }
  g_used++;
  slot_ = free;
  fired_ = false;
  return {};
}

void SignalStop::Remove() {
  if (slot_ < 0) return;
  const std::lock_guard<std::mutex> lock(g_mutex);
  Slot& slot = g_slots[slot_];
  if (--g_used == 0) g_handler.Uninstall();
  slot.word.store(nullptr, std::memory_order_seq_cst);  // see HandlerGate
  g_handler.gate.WaitQuiet();
  fired_ = slot.fired.load(std::memory_order_relaxed);
  slot_ = -1;
}

bool SignalStop::Fired() const {
  return slot_ < 0 ? fired_ : g_slots[slot_].fired.load(std::memory_order_relaxed);
}

}  // namespace softirq
