// The real clock's waits without Node, for sanitizers: several threads arm, cancel, kick, stop and close against
// sleepers. Every armed timer runs, within kBound; nothing is delivered after a close. Arguments: seconds, "plain"
// for sleeps without futex_waitv. Prints counts; any other end is a failure.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#include "clock.h"
#include "cpu_lock.h"
#include "stop_word.h"
#include "waiter_thread.h"

using namespace softirq;

namespace {

constexpr uint64_t kMs = 1'000'000;
constexpr uint64_t kBound = 5'000 * kMs;  // a lost wake-up sleeps for kFar; sanitizers and busy machines do not
constexpr uint64_t kFar = 600'000 * kMs;
constexpr int kTimers = 16;

bool g_plain = false;
std::atomic<bool> g_end{false};

void Expect(bool fact, const char* what) {
  if (fact) return;
  fprintf(stderr, "%s\n", what);
  _exit(1);
}

struct Random {
  uint32_t state;
  uint32_t Below(uint32_t n) {
    state = state * 1664525 + 1013904223;
    return static_cast<uint32_t>((static_cast<uint64_t>(state) * n) >> 32);
  }
};

SpinMargin MarginOf(int kind) {
  return kind == 0 ? SpinMargin::Off() : kind == 1 ? SpinMargin::Adaptive() : SpinMargin::Fixed(30'000);
}

// Words as they lie in a world's memory, and a queue that only the owner of the CPU touches: plain memory, so that
// a sanitizer sees whether the lock orders what it should.
struct World {
  alignas(8) uint64_t due[2] = {kNever, kNever};
  uint64_t asleep = 0;
  uint64_t now = 0;
  uint32_t seq = 0;
  uint32_t stop = 0;
  uint32_t cpu = 0;
  uint64_t at[2][kTimers];  // guarded by cpu
  uint64_t ran = 0;         // guarded by cpu
  uint64_t worst = 0;       // guarded by cpu

  World() {
    for (auto& queue : at) {
      for (uint64_t& t : queue) t = kNever;
    }
  }
  TimerWords Words() { return {{&due[0], &due[1]}, &asleep, &seq, &stop, &now}; }
  CpuLock Lock() { return {&cpu}; }

  void StoreDue(int queue) {
    uint64_t earliest = kNever;
    for (const uint64_t t : at[queue]) earliest = t < earliest ? t : earliest;
    std::atomic_ref<uint64_t>(due[queue]).store(earliest, std::memory_order_seq_cst);
  }

  void RunDue() {
    const uint64_t now = MonotonicNs();
    for (int queue = 0; queue < 2; queue++) {
      for (uint64_t& t : at[queue]) {
        if (t > now) continue;
        if (now - t > worst) worst = now - t;
        t = kNever;
        ran++;
      }
      StoreDue(queue);
    }
  }
};

std::atomic<uint64_t> g_kicks{0};
std::atomic<uint64_t> g_kicked{0};
std::atomic<uint64_t> g_stopped{0};

// The event loop: waits, owns, runs.
void Loop(World* world, int kind, std::atomic<bool>* done) {
  Waiter waiter(world->Words(), MarginOf(kind), g_plain);
  while (!done->load()) {
    const WaitResult result = waiter.Wait(kNever, kNever);
    switch (result.why) {
      case Wake::kDue:
        Expect(world->Lock().Acquire(1, 2'000, kNever) == 0, "acquire");
        world->RunDue();
        Expect(world->Lock().Release(1) == 0, "release");
        break;
      case Wake::kKicked:
        g_kicked++;
        break;
      case Wake::kStopped:
        g_stopped++;
        std::atomic_ref<uint32_t>(world->stop).store(0, std::memory_order_seq_cst);
        break;
      default:
        Expect(false, "a wait ended for no reason");
    }
  }
}

// Arms and cancels timers of its own slots; now and then arms one and sees it run.
void Arm(World* world, uint32_t owner, int queue, uint64_t* rounds) {
  Random random{owner * 77};
  const TimerWords words = world->Words();
  const int first = static_cast<int>(owner % 4) * 4;
  for (; !g_end.load(); (*rounds)++) {
    uint64_t* slot = &world->at[queue][first + random.Below(4)];
    const uint32_t what = random.Below(8);
    const bool watch = what == 0;
    Expect(world->Lock().Acquire(owner, random.Below(2) * 5'000, kNever) == 0, "acquire");
    if (what == 1) {
      *slot = kNever;
    } else if (what == 2) {
      *slot = MonotonicNs() + kFar;
    } else {
      *slot = MonotonicNs() + random.Below(watch ? 300'000 : 3'000'000);
    }
    world->StoreDue(queue);
    Expect(world->Lock().Release(owner) == 0, "release");
    words.WakeEarlier();
    if (!watch) {
      if (random.Below(3) == 0) usleep(random.Below(200));
      continue;
    }
    for (const uint64_t start = MonotonicNs();; usleep(50)) {
      Expect(world->Lock().Acquire(owner, 0, kNever) == 0, "acquire");
      const bool ran = *slot == kNever;
      Expect(world->Lock().Release(owner) == 0, "release");
      if (ran) break;
      Expect(MonotonicNs() - start < kBound, "a wake-up was lost");
    }
  }
}

// A kick or a stop, each waited for.
void Disturb(World* world) {
  Random random{5};
  while (!g_end.load()) {
    const bool kick = random.Below(2) == 0;
    std::atomic<uint64_t>& seen = kick ? g_kicked : g_stopped;
    const uint64_t before = seen.load();
    if (kick) {
      world->Words().Kick();
      g_kicks++;
    } else {
      StopWord{&world->stop, 7}.Raise();
    }
    for (const uint64_t start = MonotonicNs(); seen.load() == before; sched_yield()) {
      Expect(MonotonicNs() - start < kBound, kick ? "a kick was lost" : "a stop was lost");
    }
    usleep(random.Below(300));
  }
}

// Threads that wait for others come and go; what they deliver to is gone with them.
struct Receiver {
  WaiterThread thread;  // joined by hand, before `inbox` goes
  std::unique_ptr<uint64_t> inbox = std::make_unique<uint64_t>(0);
  std::atomic<uint64_t> delivered{0};
};

void ComeAndGo(uint64_t* rounds) {
  Random random{9};
  for (; !g_end.load(); (*rounds)++) {
    World world;
    Waiter waiter(world.Words(), MarginOf(static_cast<int>(*rounds % 3)), g_plain);
    Receiver receiver;
    const auto deliver = [](void* arg, const WaitResult& result) {
      auto* to = static_cast<Receiver*>(arg);
      *to->inbox += result.late_ns + 1;  // plain: ordered by delivered, and by the join
      to->delivered.fetch_add(1, std::memory_order_release);
    };
    Expect(receiver.thread.Start(&waiter, deliver, &receiver).Ok(), "start");
    const uint32_t asks = random.Below(4);
    for (uint32_t i = 0; i < asks; i++) {
      Expect(receiver.thread.Ask(kNever).Ok(), "ask");
      waiter.words().Publish(0, MonotonicNs() + random.Below(200'000));
      for (const uint64_t start = MonotonicNs(); receiver.delivered.load(std::memory_order_acquire) <= i; usleep(20)) {
        Expect(MonotonicNs() - start < kBound, "a delivery was lost");
      }
      std::atomic_ref<uint64_t>(world.due[0]).store(kNever, std::memory_order_seq_cst);
    }
    if (random.Below(2) == 0) {
      Expect(receiver.thread.Ask(kNever).Ok(), "ask");
      if (random.Below(2) == 0) waiter.words().Publish(1, MonotonicNs() + random.Below(100'000));
      if (random.Below(2) == 0) usleep(random.Below(100));
    }
    receiver.thread.Stop();
    receiver.inbox.reset();  // a delivery from here on is a use after free
    Expect(waiter.Wait(0, kNever).why == Wake::kClosed, "a closed waiter waits");
  }
}

}  // namespace

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? atoi(argv[1]) : 2;
  g_plain = argc > 2 && strcmp(argv[2], "plain") == 0;
  struct sigaction interrupt = {};
  interrupt.sa_handler = [](int) {};
  sigaction(SIGUSR1, &interrupt, nullptr);

  World worlds[2];
  std::atomic<bool> done{false};
  std::thread loops[2] = {std::thread(Loop, &worlds[0], 1, &done), std::thread(Loop, &worlds[1], 0, &done)};
  uint64_t rounds[5] = {};
  std::vector<std::thread> threads;
  threads.emplace_back(Arm, &worlds[0], 2, 0, &rounds[0]);
  threads.emplace_back(Arm, &worlds[0], 3, 0, &rounds[1]);
  threads.emplace_back(Arm, &worlds[0], 4, 1, &rounds[2]);
  threads.emplace_back(Arm, &worlds[1], 5, 1, &rounds[3]);
  threads.emplace_back(Disturb, &worlds[0]);
  threads.emplace_back(ComeAndGo, &rounds[4]);
  for (const uint64_t end = MonotonicNs() + static_cast<uint64_t>(seconds) * 1'000 * kMs; MonotonicNs() < end; usleep(300)) {
    for (std::thread& loop : loops) pthread_kill(loop.native_handle(), SIGUSR1);
  }
  g_end.store(true);
  for (std::thread& thread : threads) thread.join();
  done.store(true);
  for (World& world : worlds) world.Words().Kick();
  for (std::thread& loop : loops) loop.join();
  for (const World& world : worlds) Expect(world.worst < kBound, "a timer was far too late");
  Expect(worlds[0].cpu == 0 && worlds[1].cpu == 0 && worlds[0].asleep == 0, "a lock or a sleeper is left");
  printf("{\"armed\":%lu,\"ran\":%lu,\"kicked\":%lu,\"stopped\":%lu,\"waiters\":%lu,\"worstMs\":%lu}\n",
         rounds[0] + rounds[1] + rounds[2] + rounds[3], worlds[0].ran + worlds[1].ran, g_kicked.load(), g_stopped.load(),
         rounds[4], (worlds[0].worst > worlds[1].worst ? worlds[0].worst : worlds[1].worst) / kMs);
}
