#include "signal_stop.h"

#include <cerrno>
#include <csignal>
#include <mutex>

#include "handler_gate.h"

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
HandlerGate g_gate;
std::mutex g_mutex;  // guards registration, never taken by the handler
int g_used = 0;
struct sigaction g_previous;

void CallPrevious(int signo, siginfo_t* info, void* context) {
  if ((g_previous.sa_flags & SA_SIGINFO) != 0) {
    g_previous.sa_sigaction(signo, info, context);
  } else if (g_previous.sa_handler != SIG_DFL && g_previous.sa_handler != SIG_IGN) {
    g_previous.sa_handler(signo);
  }
}

void OnSignal(int signo, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  bool first = false;
  bool chain = false;
  g_gate.Enter();
  for (Slot& slot : g_slots) {
    uint32_t* word = slot.word.load(std::memory_order_seq_cst);  // see HandlerGate
    if (word == nullptr) continue;
    if (!slot.fired.exchange(true, std::memory_order_relaxed)) first = true;  // ordered by Raise
    chain = chain || slot.chain;
    StopWord{word, slot.value}.Raise();
  }
  g_gate.Leave();
  if (chain) {
    CallPrevious(signo, info, context);
  } else if (!first) {
    sigaction(signo, &g_previous, nullptr);
    raise(signo);  // delivered when this handler returns
  }
  errno = saved_errno;
}

Status Install() {
  struct sigaction action = {};
  action.sa_sigaction = OnSignal;
  action.sa_flags = SA_SIGINFO | SA_RESTART | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  // read first: the handler may run, and chain, before sigaction has written g_previous
  if (sigaction(SIGINT, nullptr, &g_previous) != 0) return {errno, "read the SIGINT handler"};
  if (sigaction(SIGINT, &action, nullptr) != 0) return {errno, "install a SIGINT handler"};
  return {};
}

void Uninstall() {
  struct sigaction current;
  if (sigaction(SIGINT, nullptr, &current) != 0) return;  // then it is not ours to take back
  const bool ours = (current.sa_flags & SA_SIGINFO) != 0 && current.sa_sigaction == OnSignal;
  if (ours) sigaction(SIGINT, &g_previous, nullptr);  // valid by construction, cannot fail
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
    if (const Status status = Install(); !status.Ok()) {
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
  if (--g_used == 0) Uninstall();
  slot.word.store(nullptr, std::memory_order_seq_cst);  // see HandlerGate
  g_gate.WaitQuiet();
  fired_ = slot.fired.load(std::memory_order_relaxed);
  slot_ = -1;
}

bool SignalStop::Fired() const {
  return slot_ < 0 ? fired_ : g_slots[slot_].fired.load(std::memory_order_relaxed);
}

}  // namespace softirq
