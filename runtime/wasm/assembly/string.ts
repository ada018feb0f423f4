// bpf_strncmp: at most `size` bytes of s1 against a string of the object's read-only data.
export function strncmp(cpu: i32, s1: i64, size: i64, s2: i64): i64 {
  const a = <i32>s1;
  const b = <i32>s2;
  for (let i = 0; i < <i32>size; i++) {
    const x: u32 = load<u8>(a + i);
    const y: u32 = load<u8>(b + i);
    if (x != y) return x < y ? -1 : 1;
    if (x == 0) return 0;
  }
  return 0;
}
