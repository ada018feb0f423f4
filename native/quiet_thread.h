// Starts a thread of ours that takes no signals: those meant for the process are other threads' work.
#ifndef SOFTIRQ_QUIET_THREAD_H_
#define SOFTIRQ_QUIET_THREAD_H_

#include <pthread.h>

#include <csignal>

namespace softirq {

// 0 or an errno value. Faults are not blocked.
inline int StartQuietThread(pthread_t* thread, void* (*main)(void*), void* arg) {
  sigset_t block;
  sigset_t before;
  sigfillset(&block);
  for (const int signo : {SIGBUS, SIGSEGV, SIGILL, SIGFPE, SIGTRAP}) sigdelset(&block, signo);
  pthread_sigmask(SIG_SETMASK, &block, &before);  // the new thread inherits the mask
  const int err = pthread_create(thread, nullptr, main, arg);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return err;
}

}  // namespace softirq

#endif  // SOFTIRQ_QUIET_THREAD_H_
