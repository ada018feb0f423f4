// bpf_spin_lock as helpers. Not lock-free, by its meaning: the holder is a verified program that unlocks soon.
import { lock, unlock } from "./value";

export function spin_lock(cpu: i32, at: i64): i64 {
  lock(<i32>at);
  return 0;
}

export function spin_unlock(cpu: i32, at: i64): i64 {
  unlock(<i32>at);
  return 0;
}
