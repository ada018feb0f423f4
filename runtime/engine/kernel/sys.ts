// bpf(2) with names and checked lengths: attributes are laid out here, every refusal becomes a BpfError with the
// kernel's errno. Knows nothing of objects.
import { requireAddon } from "../../../native/binding.ts";
import type { BpfAddress, RawBpf } from "../../../native/bpf.ts";
import { BpfError, errnoName } from "../../../src/spec/errors.ts";
import type { BatchOp } from "../../../src/spec/map_batch.ts";

// biome-ignore format: table
const CMD = {
  mapCreate:  0, mapLookup: 1,  mapUpdate: 2,  mapDelete: 3,
  mapNextKey: 4, progLoad:  5,  progTest: 10,  infoByFd: 15,
  btfLoad:   18, mapFreeze: 22, mapTake:  21,
} as const;

/** Of bpf(2)'s calls for many elements. */
const BATCH_CMD: Record<BatchOp, number> = { lookup: 24, take: 25, update: 26, delete: 27 };

const ENOENT = -2;
const EOPNOTSUPP = -95;
/** Possible CPUs of a machine; the kernel's own bound on x86 and arm64 is below it. */
const MAX_CPUS = 8192;

class Attr {
  readonly bytes: Uint8Array;
  readonly #view: DataView;
  readonly addresses: BpfAddress[] = [];

  constructor(size: number) {
    this.bytes = new Uint8Array(size);
    this.#view = new DataView(this.bytes.buffer);
  }

  u32(off: number, value: number): this {
    this.#view.setUint32(off, value, true);
    return this;
  }

  u64(off: number, value: bigint): this {
    this.#view.setBigUint64(off, value, true);
    return this;
  }

  /** An object's name as the kernel takes it: 15 bytes of letters, digits, _ and . */
  name(off: number, text: string): this {
    const clean = text.replace(/[^A-Za-z0-9_.]/g, "_").slice(0, 15);
    this.bytes.set(Buffer.from(clean, "latin1"), off);
    return this;
  }

  /** The address of `view`, of which the kernel uses `need` bytes; none for nothing. */
  at(off: number, view: Uint8Array | undefined, need = view?.length ?? 0): this {
    if (view !== undefined && view.length > 0) this.addresses.push([off, view, need]);
    return this;
  }

  get(off: number): number {
    return this.#view.getUint32(off, true);
  }
}

export interface MapCreate {
  readonly name: string;
  readonly type: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly maxEntries: number;
  readonly flags: number;
  readonly mapExtra: bigint;
  readonly numaNode: number;
  /** types of a value with fields of the kernel's */
  readonly btf?: { readonly fd: number; readonly keyTypeId: number; readonly valueTypeId: number };
  /** of a map of maps: one that has the shape of those in it */
  readonly innerFd?: number;
}

export interface ProgLoad {
  readonly name: string;
  readonly type: number;
  readonly expectedAttachType: number;
  readonly flags: number;
  readonly license: string;
  readonly insns: Uint8Array;
  /** in the kernel's types: what a program is attached to by them */
  readonly attachBtfId?: number;
  /** insn and type id of each function, in order */
  readonly funcs?: { readonly btfFd: number; readonly info: Uint8Array };
}

export interface TestRun {
  readonly data: Uint8Array;
  readonly ctx?: Uint8Array;
  readonly repeat?: number;
  /** where the bytes go as they left; without it nothing is taken out */
  readonly out?: Uint8Array;
  readonly ctxOut?: Uint8Array;
}

export interface TestResult {
  /** positive errno where the kernel did not run it, else 0 */
  readonly errno: number;
  readonly retval: number;
  readonly dataSize: number;
  /** ns a run, as the kernel measured */
  readonly duration: number;
}

/** Keys and values one behind the other, as the kernel reads or writes them. */
export interface BatchCall {
  readonly count: number;
  readonly keys: Uint8Array;
  readonly values?: Uint8Array;
  /** where a lookup begins, and where the next one does; as long as a key, 4 at least */
  readonly from?: Uint8Array | undefined;
  readonly to?: Uint8Array;
  readonly flags: bigint;
}

/** a log level that gives only the counts */
export const LOG_STATS = 4;
const LOG_BYTES = 1 << 20;
const FUNC_INFO_SIZE = 8;
const INSN_SIZE = 8;

/** The kernel's words for a refusal: the last line of the log that says something. */
export function lastWords(log: Uint8Array): string {
  const end = log.indexOf(0);
  const text = Buffer.from(end < 0 ? log : log.subarray(0, end)).toString("utf8");
  const lines = text
    .split("\n")
    .filter((l) => l.trim() !== "" && !/^(?:processed \d+ insns|verification time)/.test(l));
  return lines.at(-1) ?? "";
}

export class BpfSys {
  readonly #raw: RawBpf;

  /** Throws BpfError where there is no addon, or where the kernel does not let this process use BPF. */
  constructor(what: string) {
    this.#raw = requireAddon(what).bpf;
    try {
      this.close(
        this.mapCreate({
          name: "probe",
          type: 2,
          keySize: 4,
          valueSize: 4,
          maxEntries: 1,
          flags: 0,
          mapExtra: 0n,
          numaNode: 0,
        }),
      );
    } catch (cause) {
      if (!(cause instanceof BpfError)) throw cause;
      throw new BpfError(
        cause.code,
        `${what}: the running kernel does not let this process use bpf(): ${cause.code}`,
        { cause },
      );
    }
  }

  #call(command: number, attr: Attr): number {
    return this.#raw.bpf(command, attr.bytes, ...attr.addresses.flat());
  }

  #must(command: number, attr: Attr, what: () => string): number {
    const result = this.#call(command, attr);
    if (result < 0) throw new BpfError(errnoName(result) ?? "EINVAL", what());
    return result;
  }

  close(fd: number): void {
    this.#raw.bpfClose(fd);
  }

  mapCreate(m: MapCreate): number {
    const attr = new Attr(72).u32(0, m.type).u32(4, m.keySize).u32(8, m.valueSize).u32(12, m.maxEntries);
    attr
      .u32(16, m.flags)
      .u32(20, m.innerFd ?? 0)
      .u32(24, m.numaNode)
      .name(28, m.name)
      .u64(64, m.mapExtra);
    if (m.btf !== undefined) attr.u32(48, m.btf.fd).u32(52, m.btf.keyTypeId).u32(56, m.btf.valueTypeId);
    return this.#must(CMD.mapCreate, attr, () => `the kernel refuses to create map '${m.name}'`);
  }

  /** Copies the value out; false where there is none. */
  mapLookup(fd: number, key: Uint8Array, out: Uint8Array): boolean {
    const result = this.#call(CMD.mapLookup, new Attr(32).u32(0, fd).at(8, key).at(16, out));
    // sockets in a map are not shown to user space: to it the slots are empty
    if (result === ENOENT || result === EOPNOTSUPP) return false;
    if (result < 0) throw new BpfError(errnoName(result) ?? "EINVAL", "the kernel refuses a lookup");
    return true;
  }

  /** Takes an element out; its errno (0: it is in `out`). */
  mapTake(fd: number, key: Uint8Array, out: Uint8Array, flags: bigint): number {
    const attr = new Attr(32).u32(0, fd).at(8, key).at(16, out).u64(24, flags);
    return -this.#call(CMD.mapTake, attr);
  }

  /** Its errno, 0 if it went through, and how many elements it came to. */
  mapBatch(op: BatchOp, fd: number, b: BatchCall): { readonly errno: number; readonly count: number } {
    const attr = new Attr(56).at(0, b.from).at(8, b.to).at(16, b.keys).at(24, b.values);
    attr.u32(32, b.count).u32(36, fd).u64(40, b.flags);
    const errno = -this.#call(BATCH_CMD[op], attr);
    return { errno, count: attr.get(32) };
  }

  mapUpdate(fd: number, key: Uint8Array, value: Uint8Array, flags = 0n): void {
    this.#must(
      CMD.mapUpdate,
      new Attr(32).u32(0, fd).at(8, key).at(16, value).u64(24, flags),
      () => "the kernel refuses an update",
    );
  }

  /** false where there was none */
  mapDelete(fd: number, key: Uint8Array): boolean {
    const result = this.#call(CMD.mapDelete, new Attr(32).u32(0, fd).at(8, key));
    if (result === ENOENT) return false;
    if (result < 0) throw new BpfError(errnoName(result) ?? "EINVAL", "the kernel refuses a delete");
    return true;
  }

  /** The key after `key` (the first, if undefined); false at the end. */
  mapNextKey(fd: number, key: Uint8Array | undefined, out: Uint8Array): boolean {
    const result = this.#call(CMD.mapNextKey, new Attr(32).u32(0, fd).at(8, key).at(16, out));
    if (result === ENOENT) return false;
    if (result < 0) throw new BpfError(errnoName(result) ?? "EINVAL", "the kernel refuses to list keys");
    return true;
  }

  mapFreeze(fd: number): void {
    this.#must(CMD.mapFreeze, new Attr(4).u32(0, fd), () => "the kernel refuses to freeze a map");
  }

  btfLoad(btf: Uint8Array): number {
    const log = new Uint8Array(LOG_BYTES);
    const attr = new Attr(32).at(0, btf).u32(16, btf.length).at(8, log).u32(20, log.length).u32(24, 1);
    return this.#must(CMD.btfLoad, attr, () => `the kernel refuses the types: ${lastWords(log)}`);
  }

  #loadAttr(p: ProgLoad): Attr {
    const license = Buffer.from(`${p.license}\0`, "utf8");
    const attr = new Attr(120)
      .u32(0, p.type)
      .u32(4, p.insns.length / INSN_SIZE)
      .at(8, p.insns)
      .at(16, license);
    attr
      .u32(44, p.flags)
      .name(48, p.name)
      .u32(68, p.expectedAttachType)
      .u32(108, p.attachBtfId ?? 0);
    if (p.funcs !== undefined) {
      attr
        .u32(72, p.funcs.btfFd)
        .u32(76, FUNC_INFO_SIZE)
        .at(80, p.funcs.info)
        .u32(88, p.funcs.info.length / FUNC_INFO_SIZE);
    }
    return attr;
  }

  progLoad(p: ProgLoad): number {
    const fd = this.#call(CMD.progLoad, this.#loadAttr(p));
    if (fd >= 0) return fd;
    // Once more for the kernel's words: writing the log costs, so only what is refused pays for it.
    const { result, log } = this.progTry(p, 1, new Uint8Array(LOG_BYTES));
    if (result >= 0) return result;
    throw new BpfError(
      errnoName(fd) ?? "EINVAL",
      `the kernel rejects program '${p.name}': ${lastWords(log) || (errnoName(fd) ?? fd)}`,
    );
  }

  /** Loads with a log: the descriptor, or minus errno, and the bytes of the log. */
  progTry(
    p: ProgLoad,
    level: number,
    log: Uint8Array,
  ): { readonly result: number; readonly log: Uint8Array } {
    log[0] = 0;
    const attr = this.#loadAttr(p).u32(24, level).u32(28, log.length).at(32, log);
    return { result: this.#call(CMD.progLoad, attr), log };
  }

  progTest(fd: number, run: TestRun): TestResult {
    const attr = new Attr(80)
      .u32(0, fd)
      .u32(8, run.data.length)
      .at(16, run.data)
      .u32(32, run.repeat ?? 1);
    attr.at(24, run.out).u32(12, run.out?.length ?? 0);
    attr.at(48, run.ctx).u32(40, run.ctx?.length ?? 0);
    attr.at(56, run.ctxOut).u32(44, run.ctxOut?.length ?? 0);
    const result = this.#call(CMD.progTest, attr);
    return {
      errno: result < 0 ? -result : 0,
      retval: attr.get(4),
      dataSize: attr.get(12),
      duration: attr.get(36),
    };
  }

  /** The id by which the kernel shows a program in a program array. */
  progId(fd: number): number {
    const info = new Uint8Array(8);
    this.#must(
      CMD.infoByFd,
      new Attr(16).u32(0, fd).u32(4, info.length).at(8, info),
      () => "the kernel does not tell a program's id",
    );
    return new DataView(info.buffer).getUint32(4, true);
  }

  /** Return values of all rows (u32 offset and length each) and the nanoseconds it took. */
  runPackets(fd: number, bytes: Uint8Array, rows: Uint32Array): { retvals: Uint32Array; ns: number } {
    const retvals = new Uint32Array(rows.length / 2);
    const ns = this.#raw.runPackets(
      fd,
      bytes,
      new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength),
      new Uint8Array(retvals.buffer),
    );
    if (ns < 0) throw new BpfError(errnoName(ns) ?? "EINVAL", "the kernel refuses to run a packet");
    return { retvals, ns };
  }

  /** Runs `body` with this thread on CPU 0. */
  onCpu0<T>(body: () => T): T {
    const back = this.#pin();
    try {
      return body();
    } finally {
      back();
    }
  }

  async onCpu0Async<T>(body: () => Promise<T>): Promise<T> {
    const back = this.#pin();
    try {
      return await body();
    } finally {
      back();
    }
  }

  /** To CPU 0; what is returned goes back. */
  #pin(): () => void {
    const before = this.#raw.affinity();
    const zero = new Uint8Array(MAX_CPUS / 8);
    zero[0] = 1;
    const result = this.#raw.setAffinity(zero);
    if (result < 0)
      throw new BpfError(
        errnoName(result) ?? "EINVAL",
        "this process may not run on CPU 0, whose results are wanted",
      );
    return () => void this.#raw.setAffinity(before);
  }

  openPerf(cpu: number, pages: number): PerfBuffer {
    return new PerfBuffer(this.#raw, cpu, pages);
  }
}

/** The kernel's end of a perf event array's slot. */
export class PerfBuffer {
  readonly #raw: RawBpf;
  readonly #id: number;

  constructor(raw: RawBpf, cpu: number, pages: number) {
    this.#raw = raw;
    try {
      this.#id = raw.perfOpen(cpu, pages);
    } catch (cause) {
      const name = errnoName((cause as NodeJS.ErrnoException).errno ?? 0);
      if (name === undefined) throw cause;
      throw new BpfError(name, `a perf buffer: ${(cause as Error).message}`, { cause });
    }
  }

  get fd(): number {
    return this.#raw.perfFd(this.#id);
  }

  /** The next record, or the number of lost ones, or undefined. */
  read(): Uint8Array | number | undefined {
    return this.#raw.perfRead(this.#id);
  }

  close(): void {
    this.#raw.perfClose(this.#id);
  }
}
