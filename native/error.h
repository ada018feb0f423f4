// Outcome of an operation of the core: an errno value and what was being done. Knows no JavaScript.
#ifndef SOFTIRQ_ERROR_H_
#define SOFTIRQ_ERROR_H_

namespace softirq {

struct [[nodiscard]] Status {
  int err = 0;            // 0 or an errno value
  const char* what = "";  // static text, lower case

  bool Ok() const { return err == 0; }
};

}  // namespace softirq

#endif  // SOFTIRQ_ERROR_H_
