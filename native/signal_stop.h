// Raises stop words on SIGINT, also while the thread that would handle it is deep in compiled code.
#ifndef SOFTIRQ_SIGNAL_STOP_H_
#define SOFTIRQ_SIGNAL_STOP_H_

#include "error.h"
#include "stop_word.h"

namespace softirq {

// The handler is installed with the first SignalStop and taken back with the last. On the first SIGINT
// every registered word is raised. `chain` says whether the handler that was there before is called as
// well: yes if it only takes note (libuv's), no if it would end the process (Node's own). A second SIGINT
// without `chain` goes to the handler before, so that a run that does not stop can be killed.
class SignalStop {
 public:
  SignalStop() = default;
  SignalStop(const SignalStop&) = delete;
  SignalStop& operator=(const SignalStop&) = delete;
  ~SignalStop() { Remove(); }

  // Any thread but not a handler; add and remove of one object by one thread at a time.
  Status Add(StopWord stop, bool chain);
  void Remove();  // afterwards nothing touches the word; again is harmless
  bool Fired() const;

 private:
  int slot_ = -1;
  bool fired_ = false;  // kept from the slot when it is removed
};

}  // namespace softirq

#endif  // SOFTIRQ_SIGNAL_STOP_H_
