#include "fault_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <mutex>

#include "installed_handler.h"

namespace softirq {
namespace {

constexpr int kMaxGuards = 1024;

struct Slot {
  std::atomic<uintptr_t> base{0};  // the other fields are valid while this is set
  size_t size = 0;
  StopWord stop;
  std::atomic<bool> faulted{false};
};

// Globals: a signal handler has no other way to its data.
Slot g_slots[kMaxGuards];
std::mutex g_mutex;  // guards registration, never taken by the handler
int g_used = 0;
std::atomic<uintptr_t> g_page_size{0};  // set before the first guard

void OnFault(int signo, siginfo_t* info, void* context);
InstalledHandler g_handler(SIGBUS, OnFault, 0);

// Only system calls and atomics here: this runs in the handler.
bool Repair(uintptr_t addr) {
  bool repaired = false;
  for (Slot& slot : g_slots) {
    const uintptr_t base = slot.base.load(std::memory_order_seq_cst);  // see HandlerGate
    if (base == 0 || addr < base || addr - base >= slot.size) continue;
    const uintptr_t page_size = g_page_size.load(std::memory_order_relaxed);  // published with base
    void* page = reinterpret_cast<void*>(addr & ~(page_size - 1));
    const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS;
    if (mmap(page, page_size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) break;
    slot.faulted.store(true, std::memory_order_relaxed);  // ordered by Raise
    slot.stop.Raise();
    repaired = true;
    break;
  }
  return repaired;
}

void PassOn(const struct sigaction& previous, int signo, siginfo_t* info, void* context) {
  if (CallHandler(previous, signo, info, context)) return;
  // A fault is ignored by nobody: the default action, when the access is done again or the signal delivered.
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signo, &action, nullptr);
  if (info->si_code <= 0) raise(signo);  // sent by kill: no access will repeat it
}

void OnFault(int signo, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  g_handler.gate.Enter();
  // si_code above 0 is the kernel's own; only then si_addr is an address
  const bool repaired = info->si_code > 0 && Repair(reinterpret_cast<uintptr_t>(info->si_addr));
  const struct sigaction previous = g_handler.Previous();
  g_handler.gate.Leave();
  if (!repaired) PassOn(previous, signo, info, context);
  errno = saved_errno;
}

// The index of a free slot, or the reason why there is none for this range. Under g_mutex.
Status FindSlot(uintptr_t base, size_t size, int* free) {
  *free = -1;
  for (int i = 0; i < kMaxGuards; i++) {
    const uintptr_t other = g_slots[i].base.load(std::memory_order_relaxed);
    if (other == 0) {
      if (*free < 0) *free = i;
    } else if (base < other + g_slots[i].size && other < base + size) {
      return {EBUSY, "map a segment: the range is in use by another"};
    }
  }
  return *free < 0 ? Status{ENOSPC, "map a segment: too many at once"} : Status{};
}

}  // namespace

Status FaultGuard::Add(void* base, size_t size, StopWord stop) {
  const std::lock_guard<std::mutex> lock(g_mutex);
  if (slot_ >= 0) return {EBUSY, "fault guard: already registered"};
  int free;
  if (const Status status = FindSlot(reinterpret_cast<uintptr_t>(base), size, &free); !status.Ok()) return status;
  if (g_used == 0) {
    g_page_size.store(static_cast<uintptr_t>(sysconf(_SC_PAGESIZE)), std::memory_order_relaxed);
    if (const Status status = g_handler.Install(); !status.Ok()) return status;
  }
  Slot& slot = g_slots[free];
  slot.size = size;
  slot.stop = stop;
  slot.faulted.store(false, std::memory_order_relaxed);
  slot.base.store(reinterpret_cast<uintptr_t>(base), std::memory_order_seq_cst);  // publishes the fields above
  g_used++;
  slot_ = free;
  faulted_ = false;
  return {};
}

void FaultGuard::Remove() {
  if (slot_ < 0) return;
  const std::lock_guard<std::mutex> lock(g_mutex);
  Slot& slot = g_slots[slot_];
  slot.base.store(0, std::memory_order_seq_cst);  // see HandlerGate
  g_handler.gate.WaitQuiet();
  faulted_ = slot.faulted.load(std::memory_order_relaxed);
  slot_ = -1;
  if (--g_used == 0) g_handler.Uninstall();
}

bool FaultGuard::Faulted() const {
  return slot_ < 0 ? faulted_ : g_slots[slot_].faulted.load(std::memory_order_relaxed);
}

}  // namespace softirq
