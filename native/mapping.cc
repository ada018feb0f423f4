#include "mapping.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace softirq {
namespace {

// A hole in the range would be open to any other mmap of the process: better no process than that.
void MapZeros(void* base, size_t size) {
  const int flags = MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
  if (mmap(base, size, PROT_READ | PROT_WRITE, flags, -1, 0) == MAP_FAILED) abort();
}

}  // namespace

Status Mapping::Map(void* base, const Segment& segment, StopWord stop) {
  const uintptr_t page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  if (base_ != nullptr) return {EBUSY, "map a segment: already mapped"};
  if (segment.fd() < 0) return {EBADF, "map a segment: it is closed"};
  if (reinterpret_cast<uintptr_t>(base) % page != 0) return {EINVAL, "map a segment: the range is not page-aligned"};
  // the guard first: it refuses overlaps, and no access can come before it
  if (const Status status = guard_.Add(base, segment.size(), stop); !status.Ok()) return status;
  const int prot = PROT_READ | PROT_WRITE;
  if (mmap(base, segment.size(), prot, MAP_FIXED | MAP_SHARED, segment.fd(), 0) == MAP_FAILED) {
    const int err = errno;
    guard_.Remove();
    MapZeros(base, segment.size());
    return {err, "map a segment"};
  }
  base_ = base;
  size_ = segment.size();
  return {};
}

void Mapping::Unmap() {
  if (base_ == nullptr) return;
  MapZeros(base_, size_);
  guard_.Remove();
  base_ = nullptr;
  size_ = 0;
}

}  // namespace softirq
