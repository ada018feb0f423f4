// A signal handler of ours and the one that was there before it.
#ifndef SOFTIRQ_INSTALLED_HANDLER_H_
#define SOFTIRQ_INSTALLED_HANDLER_H_

#include <atomic>
#include <cerrno>
#include <csignal>

#include "error.h"
#include "handler_gate.h"

namespace softirq {

class InstalledHandler {
 public:
  using Function = void (*)(int, siginfo_t*, void*);

  constexpr InstalledHandler(int signo, Function function, int flags)
      : signo_(signo), function_(function), flags_(flags) {}

  // Install and Uninstall by one thread at a time, not by a handler.
  Status Install() {
    const unsigned next = current_.load(std::memory_order_relaxed) ^ 1;
    // who entered before the last Install may still read the spare entry; who enters now reads the other
    gate.WaitQuiet();
    // the handler may run, and chain, before a sigaction that installs it returns: so read first
    if (sigaction(signo_, nullptr, &previous_[next]) != 0) return {errno, "read a signal handler"};
    current_.store(next, std::memory_order_seq_cst);  // see HandlerGate
    struct sigaction action = {};
    action.sa_sigaction = function_;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | flags_;
    sigemptyset(&action.sa_mask);
    if (sigaction(signo_, &action, nullptr) != 0) return {errno, "install a signal handler"};
    return {};
  }

  // Leaves a handler alone that someone has installed over ours.
  void Uninstall() {
    struct sigaction now;
    if (sigaction(signo_, nullptr, &now) != 0) return;  // then it is not ours to take back
    const bool ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == function_;
    if (ours) sigaction(signo_, &previous_[current_.load(std::memory_order_relaxed)], nullptr);  // was valid before
  }

  // For the handler, inside of the gate.
  struct sigaction Previous() const { return previous_[current_.load(std::memory_order_seq_cst)]; }

  HandlerGate gate;

 private:
  const int signo_;
  const Function function_;
  const int flags_;
  std::atomic<unsigned> current_{0};
  struct sigaction previous_[2] = {};
};

// Calls a handler; false where there is none but the default or "ignore".
inline bool CallHandler(const struct sigaction& action, int signo, siginfo_t* info, void* context) {
  if ((action.sa_flags & SA_SIGINFO) != 0) {
    action.sa_sigaction(signo, info, context);
    return true;
  }
  if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) return false;
  action.sa_handler(signo);
  return true;
}

}  // namespace softirq

#endif  // SOFTIRQ_INSTALLED_HANDLER_H_
