// All of the core at once, without Node: handlers, threads and mappings come and go under a rain of SIGINT.
// Run under ThreadSanitizer by stress.test.ts. Prints the rounds done; any other end is a failure.
#include <sys/mman.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <thread>
#include <vector>

#include "clock.h"
#include "deadline.h"
#include "mapping.h"
#include "signal_stop.h"

using softirq::Deadline;
using softirq::Mapping;
using softirq::MonotonicNs;
using softirq::Segment;
using softirq::SignalStop;

namespace {

std::atomic<bool> g_end{false};
uint32_t g_words[16];

void Check(const softirq::Status& status) {
  if (status.Ok()) return;
  fprintf(stderr, "%s: errno %d\n", status.what, status.err);
  _exit(1);
}

void Expect(bool fact, const char* what) {
  if (fact) return;
  fprintf(stderr, "%s\n", what);
  _exit(1);
}

void StressSignalStop(int first_word, unsigned long* rounds) {
  for (; !g_end.load(); (*rounds)++) {
    SignalStop a;
    SignalStop b;
    Check(a.Add({&g_words[first_word]}, true));
    Check(b.Add({&g_words[first_word + 1]}, true));
    a.Remove();
  }
}

void StressDeadline(unsigned long* rounds) {
  for (; !g_end.load(); (*rounds)++) {
    Deadline deadline;
    Check(deadline.Start({&g_words[8]}, MonotonicNs() + *rounds % 7 * 20'000));
    if (*rounds % 3 != 0) usleep(50);
    deadline.Cancel();
  }
}

void StressMapping(unsigned long* rounds) {
  constexpr size_t kSize = 65536;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS;
  auto* memory = static_cast<volatile char*>(mmap(nullptr, 2 * kSize, PROT_READ | PROT_WRITE, flags, -1, 0));
  Expect(memory != MAP_FAILED, "mmap");
  for (; !g_end.load(); (*rounds)++) {
    Segment segment;
    Mapping mapping;
    Check(segment.Create("/dev/shm", kSize));
    Check(mapping.Map(const_cast<char*>(memory) + kSize, segment, {&g_words[9]}));
    Expect(ftruncate(segment.fd(), 0) == 0, "ftruncate");
    memory[kSize + 4096] = 1;
    memory[kSize] = 1;
    Expect(mapping.Faulted(), "a fault was not seen");
    mapping.Unmap();
    Expect(memory[kSize] == 0, "an unmapped page is not zero");
  }
}

}  // namespace

int main() {
  signal(SIGINT, SIG_IGN);
  unsigned long rounds[4] = {};
  std::vector<std::thread> threads;
  threads.emplace_back(StressSignalStop, 0, &rounds[0]);
  threads.emplace_back(StressSignalStop, 2, &rounds[1]);
  threads.emplace_back(StressDeadline, &rounds[2]);
  threads.emplace_back(StressMapping, &rounds[3]);
  for (int i = 0; i < 10'000; i++) {
    kill(getpid(), SIGINT);
    if (i % 64 == 0) usleep(200);
  }
  g_end.store(true);
  for (std::thread& thread : threads) thread.join();
  printf("%lu %lu %lu %lu\n", rounds[0], rounds[1], rounds[2], rounds[3]);
}
