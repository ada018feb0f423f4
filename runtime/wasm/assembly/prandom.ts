// get_prandom_u32 and the CPU's number. One splitmix64 stream a CPU, made from the world's seed: runs repeat.
import * as L from "../../memory/layout";

const STEP: u64 = 0x9e3779b97f4a7c15;

@inline
function scramble(z: u64): u64 {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

export function prandomInit(cpu: i32, seed: u64, index: i32): void {
  store<u64>(cpu, scramble(seed + STEP * <u64>(index + 1)), L.CPU_PRANDOM);
}

export function get_prandom_u32(cpu: i32): i64 {
  const state = load<u64>(cpu, L.CPU_PRANDOM) + STEP;
  store<u64>(cpu, state, L.CPU_PRANDOM);
  return scramble(state) >> 32;
}

export function get_smp_processor_id(cpu: i32): i64 {
  return load<u32>(cpu, L.CPU_INDEX);
}

/** One node. */
export function get_numa_node_id(cpu: i32): i64 {
  return 0;
}
