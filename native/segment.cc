#include "segment.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace softirq {
namespace {

constexpr mode_t kMode = 0600;
constexpr size_t kMaxSize = size_t{65536} * 65536;  // no linear memory is larger

Status CheckOpened(int fd, size_t size) {
  struct stat st;
  if (fstat(fd, &st) != 0) return {errno, "open segment"};
  if (!S_ISREG(st.st_mode)) return {EINVAL, "open segment: not a regular file"};
  if (st.st_uid != geteuid()) return {EPERM, "open segment: it belongs to another user"};
  if ((st.st_mode & 07777) != kMode) return {EPERM, "open segment: its mode is not 0600"};
  if (static_cast<unsigned long long>(st.st_size) != size) return {EINVAL, "open segment: it has another size"};
  return {};
}

}  // namespace

Status Segment::CheckSize(size_t size) const {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  if (fd_ >= 0) return {EBUSY, "segment: already open"};
  if (size == 0 || size % page != 0) return {EINVAL, "segment: size is not a multiple of the page size"};
  if (size > kMaxSize) return {EFBIG, "segment: size is above 4 GiB"};
  return {};
}

Status Segment::SetLength(size_t size, const char* what) {
  // posix_fallocate, not ftruncate: a full file system is an error now and not a SIGBUS later
  int err;
  do {
    err = posix_fallocate(fd_, 0, static_cast<off_t>(size));
  } while (err == EINTR);
  if (err != 0) {
    Close();
    return {err, what};
  }
  size_ = size;
  return {};
}

Status Segment::Create(const char* directory, size_t size) {
  if (const Status status = CheckSize(size); !status.Ok()) return status;
  fd_ = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, kMode);
  if (fd_ < 0) return {errno, "create segment"};
  if (fchmod(fd_, kMode) != 0) {  // whatever the umask
    const int err = errno;
    Close();
    return {err, "create segment"};
  }
  return SetLength(size, "create segment");
}

Status Segment::CreateAnonymous(size_t size) {
  if (const Status status = CheckSize(size); !status.Ok()) return status;
  fd_ = memfd_create("softirq", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (fd_ < 0) return {errno, "create anonymous segment"};
  if (const Status status = SetLength(size, "create anonymous segment"); !status.Ok()) return status;
  if (fcntl(fd_, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
    const int err = errno;
    Close();
    return {err, "seal anonymous segment"};
  }
  return {};
}

Status Segment::Open(const char* path, size_t size) {
  if (const Status status = CheckSize(size); !status.Ok()) return status;
  // O_NONBLOCK: a pipe with that name must not hang us before fstat has seen what it is
  fd_ = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd_ < 0) return {errno, errno == ELOOP ? "open segment: it is a symbolic link" : "open segment"};
  if (const Status status = CheckOpened(fd_, size); !status.Ok()) {
    Close();
    return status;
  }
  size_ = size;
  return {};
}

Status Segment::Publish(const char* path) {
  if (fd_ < 0) return {EBADF, "publish segment"};
  char self[32];
  snprintf(self, sizeof(self), "/proc/self/fd/%d", fd_);
  if (linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW) != 0) return {errno, "publish segment"};
  return {};
}

void Segment::Close() {
  if (fd_ >= 0) close(fd_);
  fd_ = -1;
  size_ = 0;
}

}  // namespace softirq
