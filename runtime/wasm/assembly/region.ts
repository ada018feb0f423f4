// Regions that the verifier holds programs to and that need nothing here: a program is not interrupted on its CPU, and
// what it found in a map stays where it is.
export function rcu_read_lock(cpu: i32): i64 {
  return 0;
}

export function rcu_read_unlock(cpu: i32): i64 {
  return 0;
}

export function preempt_disable(cpu: i32): i64 {
  return 0;
}

export function preempt_enable(cpu: i32): i64 {
  return 0;
}
