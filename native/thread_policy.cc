#include "thread_policy.h"

#include <sched.h>

#include <cerrno>

namespace softirq {

int SetThreadRealtime(bool realtime) {
  sched_param param = {};
  // the least of the realtime priorities: before what is ordinary, behind whatever else was given one
  if (realtime) param.sched_priority = sched_get_priority_min(SCHED_FIFO);
  const int policy = realtime ? SCHED_FIFO | SCHED_RESET_ON_FORK : SCHED_OTHER;
  return sched_setscheduler(0, policy, &param) == 0 ? 0 : errno;
}

}  // namespace softirq
