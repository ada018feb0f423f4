// A fresh world: header, crc tables, CPU blocks. Called once, before any CPU runs, on zeroed memory.
import * as L from "../../memory/layout";
import { crcInit } from "./crc";
import { prandomInit } from "./prandom";
import { zeroBytes } from "./bytes";

export function world_init(ncpus: i32, seed: i64, flags: i32): void {
  store<i32>(L.WORLD_LAYOUT, L.LAYOUT_VERSION);
  store<i32>(L.WORLD_NCPUS, ncpus);
  store<i32>(L.WORLD_FLAGS, (flags & L.WORLD_F_ALONE) != 0 && ncpus == 1 ? flags | L.WORLD_F_SOLE : flags);
  store<i64>(L.WORLD_SEED, seed);
  store<i32>(L.WORLD_CPUS, L.CPU_BASE);
  crcInit();
  for (let i = 0; i < ncpus; i++) cpu_init(L.CPU_BASE + i * L.CPU_STRIDE, i, seed);
  atomic.store<i32>(L.WORLD_MAGIC, L.WORLD_MAGIC_VALUE);
}

/** One CPU block in zeroed memory; also for blocks of the host's own, whose helpers' scratch nobody else may use. */
export function cpu_init(cpu: i32, index: i32, seed: i64): void {
  store<i32>(cpu, 1, L.CPU_CTX_INGRESS_IFINDEX); // the loopback device, as the kernel's test run
  skbTemplate(cpu);
  store<i32>(cpu, index, L.CPU_INDEX);
  store<i64>(cpu, L.MONOTONIC_START_NS, L.CPU_MONOTONIC);
  store<i64>(cpu, -1, L.CPU_TIMER_DUE);
  if (cpu == L.CPU_BASE + index * L.CPU_STRIDE && index < load<i32>(L.WORLD_NCPUS)) {
    store<i32>(cpu, cpu + L.CPU_QUEUE, L.CPU_TIMER_QUEUE);
    store<i64>(cpu + L.CPU_QUEUE, -1, L.QUEUE_STARTS);
  }
  prandomInit(cpu, seed, index);
}

const TCP_CLOSE: u32 = 7;

/** A packet on the loopback device with a socket that nothing was done to. */
function skbTemplate(cpu: i32): void {
  const skb = cpu + L.CPU_SKB_TEMPLATE;
  const sock = skb + L.CPU_SOCK - L.CPU_SKB;
  store<u32>(skb, 1, L.SKB_IFINDEX);
  store<u32>(skb + L.CPU_SKB_TRANSPORT - L.CPU_SKB, L.SKB_NOT_SET);
  store<u64>(skb, <u64><u32>(cpu + L.CPU_SOCK), L.SKB_SK);
  store<u32>(sock, TCP_CLOSE, L.SOCK_STATE);
  store<i32>(sock, -1, L.SOCK_RX_QUEUE_MAPPING);
}

export function stats_reset(cpu: i32): void {
  zeroBytes(cpu + L.CPU_STATS, L.CPU_STATS_SIZE);
}
