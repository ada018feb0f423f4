// The kernel's bpf(2) and perf buffers, as thin as they are: what is asked for is TypeScript's business. Only calls
// that make, fill and test-run things are let through: nothing here can attach a program to anything.
#ifndef SOFTIRQ_BPF_H_
#define SOFTIRQ_BPF_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "error.h"

namespace softirq {

// A file descriptor or another result of bpf(2) that is not negative, else minus an errno value. `attr` is read and
// written; `size` bytes of it are the kernel's business. -EPERM for a command outside of the list in bpf.cc.
int BpfCall(uint32_t command, void* attr, size_t size);

// One packet of RunPackets: where its bytes lie in the region.
struct PacketRow {
  uint32_t off;
  uint32_t len;
};

// BPF_PROG_TEST_RUN once for each row, nothing taken out but return values. 0 or an errno value; `*ns` is the time of all.
int RunPackets(int prog_fd, const uint8_t* bytes, const PacketRow* rows, size_t count, uint32_t* retvals, uint64_t* ns);

// The CPUs the calling thread may run on, as a bit set of `size` bytes. 0 or an errno value.
int GetAffinity(uint8_t* set, size_t size);
int SetAffinity(const uint8_t* set, size_t size);

// A slot of a PERF_EVENT_ARRAY seen from user space: the event and its ring. Used by one thread.
class PerfBuffer {
 public:
  PerfBuffer() = default;
  PerfBuffer(const PerfBuffer&) = delete;
  PerfBuffer& operator=(const PerfBuffer&) = delete;
  ~PerfBuffer();

  // `pages` is a power of two. Afterwards fd() goes into the map.
  Status Open(int cpu, size_t pages);
  int fd() const { return fd_; }

  struct Record {
    uint64_t lost;               // records the kernel had no room for; then there are no bytes
    std::vector<uint8_t> bytes;  // with the kernel's padding
  };
  // The oldest record not read yet; false when there is none.
  bool Read(Record* out);

 private:
  void CopyOut(uint64_t pos, void* out, size_t size) const;

  int fd_ = -1;
  uint8_t* base_ = nullptr;  // the control page, the ring behind it
  size_t ring_ = 0;          // bytes, a power of two
  size_t mapped_ = 0;
};

}  // namespace softirq

#endif  // SOFTIRQ_BPF_H_
