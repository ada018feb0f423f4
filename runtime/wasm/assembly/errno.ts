// Errnos as helpers return them, and the uapi flag values the library looks at.
export const EPERM: i64 = -1;
export const ENOENT: i64 = -2;
export const E2BIG: i64 = -7;
export const EAGAIN: i64 = -11;
export const ENOMEM: i64 = -12;
export const EACCES: i64 = -13;
export const EFAULT: i64 = -14;
export const EBUSY: i64 = -16;
export const EEXIST: i64 = -17;
export const EINVAL: i64 = -22;
export const ENOSPC: i64 = -28;
export const EDEADLK: i64 = -35;
export const EOPNOTSUPP: i64 = -95;
export const ECANCELED: i64 = -125;

export const BPF_NOEXIST: i64 = 1;
export const BPF_EXIST: i64 = 2;
export const BPF_F_LOCK: i64 = 4;

export const HASH: i32 = 1;
export const ARRAY: i32 = 2;
export const PROG_ARRAY: i32 = 3;
export const PERF_EVENT_ARRAY: i32 = 4;
export const PERCPU_HASH: i32 = 5;
export const PERCPU_ARRAY: i32 = 6;
export const LRU_HASH: i32 = 9;
export const LRU_PERCPU_HASH: i32 = 10;
export const LPM_TRIE: i32 = 11;
export const ARRAY_OF_MAPS: i32 = 12;
export const HASH_OF_MAPS: i32 = 13;
export const DEVMAP: i32 = 14;
export const CPUMAP: i32 = 16;
export const XSKMAP: i32 = 17;
export const QUEUE: i32 = 22;
export const STACK: i32 = 23;
export const DEVMAP_HASH: i32 = 25;
export const BLOOM_FILTER: i32 = 30;
