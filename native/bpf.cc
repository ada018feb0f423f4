#include "bpf.h"

#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "clock.h"

namespace softirq {
namespace {

// Nothing that attaches, pins, or finds things of others.
constexpr uint32_t kAllowed[] = {
    BPF_MAP_CREATE,    BPF_MAP_LOOKUP_ELEM, BPF_MAP_UPDATE_ELEM, BPF_MAP_DELETE_ELEM,    BPF_MAP_GET_NEXT_KEY,
    BPF_MAP_FREEZE,    BPF_PROG_LOAD,       BPF_PROG_TEST_RUN,   BPF_OBJ_GET_INFO_BY_FD, BPF_BTF_LOAD,
    BPF_MAP_LOOKUP_BATCH, BPF_MAP_LOOKUP_AND_DELETE_ELEM, BPF_MAP_LOOKUP_AND_DELETE_BATCH, BPF_MAP_UPDATE_BATCH,
    BPF_MAP_DELETE_BATCH};

// Where test_run's fields lie in bpf_attr is the kernel's interface; its own header has them.
static_assert(offsetof(union bpf_attr, test.data_in) == 16 && offsetof(union bpf_attr, test.duration) == 36);

int Syscall(uint32_t command, void* attr, size_t size) {
  for (;;) {
    const long result = syscall(SYS_bpf, command, attr, size);
    // A test run is broken off by signals, a load by them too: neither has left anything then.
    if (result >= 0) return static_cast<int>(result);
    if (errno == EAGAIN && command == BPF_PROG_LOAD) continue;
    return -errno;
  }
}

}  // namespace

int BpfCall(uint32_t command, void* attr, size_t size) {
  if (std::find(std::begin(kAllowed), std::end(kAllowed), command) == std::end(kAllowed)) return -EPERM;
  return Syscall(command, attr, size);
}

int RunPackets(int prog_fd, const uint8_t* bytes, const PacketRow* rows, size_t count, uint32_t* retvals, uint64_t* ns) {
  const uint64_t start = MonotonicNs();
  for (size_t i = 0; i < count; i++) {
    union bpf_attr attr = {};
    attr.test.prog_fd = static_cast<uint32_t>(prog_fd);
    attr.test.data_in = reinterpret_cast<uintptr_t>(bytes + rows[i].off);
    attr.test.data_size_in = rows[i].len;
    attr.test.repeat = 1;
    if (const int result = Syscall(BPF_PROG_TEST_RUN, &attr, sizeof(attr.test)); result < 0) return -result;
    retvals[i] = attr.test.retval;
  }
  *ns = MonotonicNs() - start;
  return 0;
}

int GetAffinity(uint8_t* set, size_t size) {
  const long result = syscall(SYS_sched_getaffinity, 0, size, set);
  return result < 0 ? errno : 0;
}

int SetAffinity(const uint8_t* set, size_t size) {
  return syscall(SYS_sched_setaffinity, 0, size, set) < 0 ? errno : 0;
}

Status PerfBuffer::Open(int cpu, size_t pages) {
  if (fd_ >= 0) return {EBUSY, "perf buffer: already open"};
  if (pages == 0 || (pages & (pages - 1)) != 0 || pages > 65536) return {EINVAL, "perf buffer: not a power of two pages"};
  struct perf_event_attr attr = {};
  attr.size = sizeof(attr);
  attr.type = PERF_TYPE_SOFTWARE;
  attr.config = PERF_COUNT_SW_BPF_OUTPUT;
  attr.sample_type = PERF_SAMPLE_RAW;
  attr.sample_period = 1;
  attr.wakeup_events = 1;
  fd_ = static_cast<int>(syscall(SYS_perf_event_open, &attr, -1, cpu, -1, PERF_FLAG_FD_CLOEXEC));
  if (fd_ < 0) return {errno, "perf_event_open"};
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  mapped_ = page * (pages + 1);
  void* base = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_SHARED, fd_, 0);
  if (base == MAP_FAILED) return {errno, "map perf buffer"};
  base_ = static_cast<uint8_t*>(base);
  ring_ = page * pages;
  if (ioctl(fd_, PERF_EVENT_IOC_ENABLE, 0) != 0) return {errno, "enable perf event"};
  return {};
}

PerfBuffer::~PerfBuffer() {
  if (base_ != nullptr) munmap(base_, mapped_);
  if (fd_ >= 0) close(fd_);
}

void PerfBuffer::CopyOut(uint64_t pos, void* out, size_t size) const {
  const uint8_t* ring = base_ + (mapped_ - ring_);
  const size_t at = pos & (ring_ - 1);
  const size_t first = std::min(size, ring_ - at);
  memcpy(out, ring + at, first);
  memcpy(static_cast<uint8_t*>(out) + first, ring, size - first);
}

bool PerfBuffer::Read(Record* out) {
  auto* page = reinterpret_cast<struct perf_event_mmap_page*>(base_);
  if (page == nullptr) return false;
  // pairs with the kernel's release store of data_head: what lies before it is written
  const uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
  uint64_t tail = __atomic_load_n(&page->data_tail, __ATOMIC_RELAXED);  // ours alone
  bool found = false;
  while (!found && head - tail >= sizeof(struct perf_event_header)) {
    struct perf_event_header header;
    CopyOut(tail, &header, sizeof(header));
    if (header.size < sizeof(header) || header.size > head - tail) break;
    if (header.type == PERF_RECORD_SAMPLE && header.size >= sizeof(header) + 4) {
      uint32_t size = 0;
      CopyOut(tail + sizeof(header), &size, sizeof(size));
      size = std::min(size, static_cast<uint32_t>(header.size - sizeof(header) - 4));
      out->lost = 0;
      out->bytes.resize(size);
      CopyOut(tail + sizeof(header) + 4, out->bytes.data(), size);
      found = true;
    } else if (header.type == PERF_RECORD_LOST && header.size >= sizeof(header) + 16) {
      out->bytes.clear();
      CopyOut(tail + sizeof(header) + 8, &out->lost, sizeof(out->lost));
      found = true;
    }
    tail += header.size;
  }
  // pairs with the kernel's acquire load of data_tail: we have read what it may write over now
  __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
  return found;
}

}  // namespace softirq
