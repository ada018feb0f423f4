// Memory that processes share: a file of mode 0600 found by its path, or one without a name. Knows nothing
// of what lies in it nor of where it is mapped.
#ifndef SOFTIRQ_SEGMENT_H_
#define SOFTIRQ_SEGMENT_H_

#include <cstddef>

#include "error.h"

namespace softirq {

// A new segment has no name until Publish, so that nobody finds one that is not filled yet.
class Segment {
 public:
  Segment() = default;
  Segment(const Segment&) = delete;
  Segment& operator=(const Segment&) = delete;
  ~Segment() { Close(); }

  // All by one thread at a time. Sizes are multiples of the page size.
  Status Create(const char* directory, size_t size);
  Status CreateAnonymous(size_t size);              // sealed: nobody can shrink it
  Status Open(const char* path, size_t size);       // refuses what is not exactly a segment of ours
  Status Publish(const char* path);                 // EEXIST where there is one
  void Close();                                     // mappings stay; again is harmless

  int fd() const { return fd_; }
  size_t size() const { return size_; }

 private:
  Status CheckSize(size_t size) const;
  Status SetLength(size_t size, const char* what);

  int fd_ = -1;
  size_t size_ = 0;
};

}  // namespace softirq

#endif  // SOFTIRQ_SEGMENT_H_
