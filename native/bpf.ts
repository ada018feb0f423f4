// The addon's face for bpf(2): the kernel's own calls and numbers. Who calls what, and what a refusal means, is
// decided elsewhere (runtime/engine/kernel).

/** Offset in the attribute, memory whose address goes there, bytes of it the kernel may use. */
export type BpfAddress = readonly [off: number, view: Uint8Array, need: number];

export interface RawBpf {
  /** A result that is not negative, or minus an errno. `attr` is read and written. Nothing that attaches is let through. */
  bpf(command: number, attr: Uint8Array, ...addresses: (number | Uint8Array)[]): number;
  /** Ends a descriptor that `bpf` gave. */
  bpfClose(fd: number): void;
  /**
   * A test run for each row (u32 offset in `bytes` and u32 length) with nothing taken out but return values (u32
   * each); nanoseconds of all, or minus an errno.
   */
  runPackets(fd: number, bytes: Uint8Array, rows: Uint8Array, retvals: Uint8Array): number;
  /** the CPUs this thread may run on, as a bit set */
  affinity(): Uint8Array;
  /** 0 or minus an errno */
  setAffinity(set: Uint8Array): number;
  /** A perf event of BPF output on a CPU with a ring of so many pages (a power of two). */
  perfOpen(cpu: number, pages: number): number;
  perfFd(buffer: number): number;
  /** the next record, or how many were lost, or undefined where there is no more */
  perfRead(buffer: number): Uint8Array | number | undefined;
  perfClose(buffer: number): void;
}
