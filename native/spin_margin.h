// How long before a deadline a sleeper should be awake already. Learns from how late the kernel has woken it.
#ifndef SOFTIRQ_SPIN_MARGIN_H_
#define SOFTIRQ_SPIN_MARGIN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace softirq {

class SpinMargin {
 public:
  static constexpr uint64_t kFirst = 50'000;   // before anything is known
  static constexpr uint64_t kMost = 150'000;   // a wake-up later than this was a busy CPU: no spinning helps
  static constexpr size_t kSamples = 64;
  static constexpr size_t kRank = 58;          // of kSamples in order: 10 of 11 wake-ups come in time

  static SpinMargin Off() { return SpinMargin(0, false); }
  static SpinMargin Fixed(uint64_t ns) { return SpinMargin(ns, false); }
  static SpinMargin Adaptive() { return SpinMargin(kFirst, true); }

  uint64_t ns() const { return ns_; }

  // A sleep that ended by its time did so `late_ns` after it.
  void Record(uint64_t late_ns) {
    if (!adaptive_ || late_ns > kMost) return;
    late_[next_ % kSamples] = static_cast<uint32_t>(late_ns);
    next_++;
    if (next_ < 16) return;
    uint32_t sorted[kSamples];
    const size_t count = std::min(next_, kSamples);
    std::copy_n(late_, count, sorted);
    const size_t rank = count * kRank / kSamples;
    std::nth_element(sorted, sorted + rank, sorted + count);
    ns_ = std::min<uint64_t>(kMost, sorted[rank] + sorted[rank] / 8);
  }

 private:
  SpinMargin(uint64_t ns, bool adaptive) : ns_(ns), adaptive_(adaptive) {}

  uint64_t ns_;
  bool adaptive_;
  size_t next_ = 0;
  uint32_t late_[kSamples] = {};
};

}  // namespace softirq

#endif  // SOFTIRQ_SPIN_MARGIN_H_
