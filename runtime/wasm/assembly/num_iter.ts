// bpf_iter_num: numbers from `start` to before `end`, kept in the program's own eight bytes of stack: the number given
// last, and the end. One that has come to its end, or never began, is zero.
import { E2BIG, EINVAL } from "./errno";

const MAX_LOOPS: i64 = 8 * 1024 * 1024;
const END: usize = 4;

@inline
function put(it: i32, cur: i32, end: i32): void {
  store<u64>(it, <u64>(<u32>cur) | (<u64>(<u32>end) << 32));
}

/** An int: its upper half is clear, as the machine leaves it. */
export function iter_num_new(cpu: i32, it: i64, start: i64, end: i64): i64 {
  const count = <i64>(<i32>end) - <i64>(<i32>start);
  if (count < 0 || count > MAX_LOOPS) {
    put(<i32>it, 0, 0);
    return <i64>(<u32>(count < 0 ? EINVAL : E2BIG));
  }
  put(<i32>it, <i32>start - 1, <i32>end);
  return 0;
}

export function iter_num_next(cpu: i32, it: i64): i64 {
  const next = load<i32>(<i32>it) + 1;
  if (next < load<i32>(<i32>it, END)) {
    store<i32>(<i32>it, next);
    return <u32>it;
  }
  put(<i32>it, 0, 0);
  return 0;
}

export function iter_num_destroy(cpu: i32, it: i64): i64 {
  put(<i32>it, 0, 0);
  return 0;
}
