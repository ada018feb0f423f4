// Which threads the scheduler lets run first: the calling thread before all ordinary ones, or as an ordinary one.
#ifndef SOFTIRQ_THREAD_POLICY_H_
#define SOFTIRQ_THREAD_POLICY_H_

namespace softirq {

// Of the calling thread alone: threads that it starts are ordinary ones. 0 or an errno value; EPERM where the process
// may not. A thread that never sleeps keeps others from its CPU, but for the share that the kernel leaves them.
int SetThreadRealtime(bool realtime);

}  // namespace softirq

#endif  // SOFTIRQ_THREAD_POLICY_H_
