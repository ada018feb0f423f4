// An object in the running kernel: the same maps, the same programs, its own verifier and compiler. Loads and
// test-runs only. Which packets come is the replay's business.
import type { MapSpec, ObjectSpec, ProgSpec } from "../../../src/elf/object_spec.ts";
import { encodeBtf } from "../../../src/btf/encode.ts";
import { encodeInsns } from "../../../src/isa/encode.ts";
import type { Insn } from "../../../src/isa/insn.ts";
import { BpfError, errnoName } from "../../../src/spec/errors.ts";
import { MAP_TYPES } from "../../../src/spec/map_types.ts";
import { ATTACH_TYPES, PROG_TYPES } from "../../../src/spec/prog_types.ts";
import { RUN_CTX_SIZE } from "../../../src/spec/run_ctx.ts";
import { type FrameKind, RUN_TYPES, type RunType } from "../../../src/spec/run_types.ts";
import type { MapDef } from "../../../src/verifier/proof.ts";
import { type CtxFields, ctxValues } from "../../cpu/ctx.ts";
import { notRun } from "../../cpu/walk_flags.ts";
import { Handles, u32Bytes, u32Of } from "../../load/handles.ts";
import type { OpenObject } from "../../load/open.ts";
import { withExterns } from "../../load/externs.ts";
import { asCreated } from "../../load/map_check.ts";
import { RUNNING } from "../../load/outside.ts";
import { mapsOf, progsToLoad, relocated, toMapDef } from "../../load/prog.ts";
import { SKB_CB, SKB_MARK, SKB_PRIORITY } from "../../memory/layout.ts";
import { KernelEvents } from "./kernel_events.ts";
import { KernelMap, kernelCpus } from "./kernel_map.ts";
import { BpfSys, LOG_STATS, type ProgLoad } from "./sys.ts";

const BPF_F_XDP_HAS_FRAGS = 1 << 5;
/** Room for the largest packet the kernel runs, metadata in front. */
const OUT_BYTES = 128 << 10;
/** Runs are on CPU 0. */
const RUN_CPUS = 1;

/** Maps that would look empty: nothing here takes their contents out. */
const UNREAD: ReadonlySet<string> = new Set(["queue", "stack", "bloom_filter", "ringbuf"]);

export interface KernelProg {
  readonly name: string;
  readonly spec: ProgSpec;
  /** undefined: the kernel has no test run for its type */
  readonly run: RunType | undefined;
  readonly fd: number;
  /** what a program array shows */
  readonly id: number;
}

export interface KernelSkb {
  readonly mark: number;
  readonly priority: number;
  readonly cb: readonly number[];
}

/** One packet through the kernel. `data` is valid until the next one. */
export interface KernelPacket {
  /** 0, or a positive errno: then the packet was not run */
  readonly errno: number;
  readonly retval: number;
  readonly metaLen: number;
  /** of programs on __sk_buff */
  readonly skb?: KernelSkb;
  /** bytes as they left, metadata first */
  readonly data: Uint8Array;
  /** of the call, copying in and out and all */
  readonly ns: bigint;
}

export interface KernelLoadOptions {
  readonly progs?: readonly string[];
}

/** Throws BpfError where the kernel refuses bpf(2), a map or a program. */
export function loadKernelObject(opened: OpenObject, options: KernelLoadOptions = {}): KernelObject {
  const object = new KernelObject(opened.spec, new BpfSys("engine kernel"));
  try {
    object.load(progsToLoad(opened, options.progs));
  } catch (error) {
    object.close();
    throw error;
  }
  return object;
}

export class KernelObject extends Handles<KernelMap, KernelProg> {
  readonly #fds: number[] = [];
  readonly #out = new Uint8Array(OUT_BYTES);
  readonly #maps: Map<string, KernelMap>;
  readonly #progs: Map<string, KernelProg>;
  #events: KernelEvents | undefined;
  #btfFd: number | undefined;

  constructor(
    spec: ObjectSpec,
    readonly sys: BpfSys,
  ) {
    const maps = new Map<string, KernelMap>();
    const progs = new Map<string, KernelProg>();
    super(spec, maps, progs);
    this.#maps = maps;
    this.#progs = progs;
  }

  get ncpus(): number {
    return kernelCpus();
  }

  /** @internal */
  load(wanted: readonly ProgSpec[]): void {
    const needed = new Set(wanted.flatMap((p) => [...mapsOf(p)]));
    for (const [index, map] of this.spec.maps.entries())
      if (needed.has(index) || MAP_TYPES[map.type].runs) this.#createMap(map, index);
    for (const prog of wanted) this.#loadProg(prog);
    this.fillProgArrays();
  }

  #createMap(map: MapSpec, index: number): void {
    if (map.inner !== undefined)
      throw new BpfError(
        "EOPNOTSUPP",
        `map '${map.name}': maps of maps cannot be made in the kernel's engine yet`,
      );
    if (UNREAD.has(map.type))
      throw new BpfError(
        "EOPNOTSUPP",
        `map '${map.name}': what is in maps of type ${map.type} is not read by the kernel's engine yet`,
      );
    const def = toMapDef(asCreated(map, RUN_CPUS));
    const typed =
      map.specialFields.length > 0
        ? { btf: { fd: this.#btf(), keyTypeId: map.keyTypeId, valueTypeId: map.valueTypeId } }
        : {};
    const fd = this.sys.mapCreate({
      name: map.name,
      type: MAP_TYPES[map.type].id,
      keySize: def.keySize,
      valueSize: def.valueSize,
      maxEntries: def.maxEntries,
      flags: def.flags,
      mapExtra: map.mapExtra ?? 0n,
      numaNode: map.numaNode ?? 0,
      ...typed,
    });
    this.#fds.push(fd);
    const created = new KernelMap(this.sys, fd, def, index + 1);
    this.#maps.set(map.name, created);
    if (map.data !== undefined) created.update(new Uint8Array(4), map.data);
    if (map.readonlyData === true) this.sys.mapFreeze(fd);
  }

  #btf(): number {
    if (this.#btfFd !== undefined) return this.#btfFd;
    if (this.spec.btf === undefined) throw new BpfError("EINVAL", `${this.name}: has no BTF`);
    const fd = this.sys.btfLoad(encodeBtf(this.spec.btf));
    this.#fds.push(fd);
    this.#btfFd = fd;
    return fd;
  }

  #loadProg(prog: ProgSpec): void {
    const fd = this.sys.progLoad(this.#toLoad(prog));
    this.#fds.push(fd);
    this.#progs.set(prog.name, {
      name: prog.name,
      spec: prog,
      run: RUN_TYPES[prog.type],
      fd,
      id: this.sys.progId(fd),
    });
  }

  /** How long the kernel takes to verify one of the loaded programs again, in µs, and the insns it processes. */
  timeVerification(prog: ProgSpec): { readonly us: number; readonly processed: number } {
    const { result, log } = this.sys.progTry(this.#toLoad(prog), LOG_STATS, new Uint8Array(4096));
    if (result < 0)
      throw new BpfError(errnoName(result) ?? "EINVAL", `the kernel rejects program '${prog.name}'`);
    this.sys.close(result);
    const text = Buffer.from(log).toString("latin1");
    const found = /verification time (\d+) usec[\s\S]*processed (\d+) insns/.exec(text);
    if (found === null) throw new BpfError("EINVAL", "the kernel's log does not say how long it took");
    return { us: Number(found[1]), processed: Number(found[2]) };
  }

  #toLoad(prog: ProgSpec): ProgLoad {
    if (prog.refused !== undefined) throw new BpfError("EINVAL", prog.refused);
    // Without BTF all functions are static to the kernel; a program of one function needs none.
    const funcs =
      prog.subprogs.length > 1 && prog.funcs.length > 0 && this.spec.btf !== undefined
        ? { funcs: { btfFd: this.#btf(), info: funcInfo(prog) } }
        : {};
    const attach =
      prog.expectedAttachType === undefined
        ? -1
        : (ATTACH_TYPES as readonly string[]).indexOf(prog.expectedAttachType);
    return {
      name: prog.name,
      type: PROG_TYPES[prog.type].id,
      expectedAttachType: Math.max(attach, 0),
      flags: prog.flags.includes("frags") ? BPF_F_XDP_HAS_FRAGS : 0,
      license: this.spec.license,
      insns: encodeInsns(forThisKernel(this.spec, prog).map((insn) => this.#relocate(insn))),
      ...funcs,
    };
  }

  /** Map indexes become descriptors. */
  #relocate(insn: Insn | undefined): Insn | undefined {
    if (insn?.kind !== "ld_imm64") return insn;
    const { value } = insn;
    if (value.kind !== "map" && value.kind !== "map_value") return insn;
    const fd = this.map(this.spec.maps[value.map]?.name ?? "").fd;
    return {
      ...insn,
      value: value.kind === "map" ? { kind: "map_fd", fd } : { kind: "map_value_fd", fd, off: value.off },
    };
  }

  /** The definition a map was made from. */
  mapDef(name: string): MapDef {
    return this.map(name).shape;
  }

  slotOfProg(prog: string): Uint8Array {
    return u32Bytes(this.prog(prog).fd);
  }

  /** The program that a program array shows by this value. */
  progInSlot(value: Uint8Array): string | undefined {
    const id = u32Of(value);
    return [...this.progs.values()].find((p) => p.id === id)?.name;
  }

  /** Buffers behind the perf event arrays, for what programs send from CPU 0. @internal */
  openEvents(keep: number): KernelEvents {
    this.#events?.close();
    this.#events = new KernelEvents(this.sys, [...this.maps.values()], keep);
    return this.#events;
  }

  /** One run on this CPU of one packet, as it comes. Throws where programs of its type take no packets. */
  runPacket(prog: KernelProg, data: Uint8Array, ctx: CtxFields = {}): KernelPacket {
    this.assertOpen();
    if (prog.run === undefined) throw notRun(prog.spec);
    const { frames } = prog.run;
    const ctxIn = kernelCtx(frames, data.length, ctx);
    const ctxOut = new Uint8Array(ctxIn.length);
    const start = process.hrtime.bigint();
    const result = this.sys.progTest(prog.fd, { data, ctx: ctxIn, out: this.#out, ctxOut });
    const ns = process.hrtime.bigint() - start;
    if (result.errno !== 0)
      return { errno: result.errno, retval: 0, metaLen: 0, data: this.#out.subarray(0, 0), ns };
    const after = new DataView(ctxOut.buffer);
    return {
      errno: 0,
      retval: result.retval,
      metaLen: frames === "xdp" ? after.getUint32(0, true) : 0, // where data is, from the first byte out
      ...(frames === "skb" ? { skb: skbAfter(after) } : {}),
      data: this.#out.subarray(0, result.dataSize),
      ns,
    };
  }

  /** Nanoseconds a run when the kernel repeats one packet; it is not restored in between. */
  repeatPacket(prog: KernelProg, data: Uint8Array, repeat: number): number {
    const result = this.sys.progTest(prog.fd, { data, repeat });
    if (result.errno !== 0)
      throw new BpfError(
        errnoName(result.errno) ?? "EINVAL",
        `the kernel does not run a packet of ${data.length} bytes`,
      );
    return result.duration;
  }

  /** Gives maps and programs back to the kernel. */
  protected release(): void {
    this.#events?.close();
    for (const fd of this.#fds) this.sys.close(fd);
  }
}

/** Types, functions and symbols as the running kernel has them, whatever types the object was opened with. */
function forThisKernel(spec: ObjectSpec, prog: ProgSpec): ProgSpec["insns"] {
  const idOf = (name: string): number | undefined => RUNNING.kernelBtf()?.find(name, "func")?.id;
  return withExterns(spec, prog, relocated(spec, prog, RUNNING.kernelBtf), RUNNING, idOf);
}

/** The context as the kernel takes it. */
function kernelCtx(frames: FrameKind, len: number, fields: CtxFields): Uint8Array {
  const bytes = new Uint8Array(RUN_CTX_SIZE[frames]);
  const view = new DataView(bytes.buffer);
  const given = ctxValues(frames, fields).filter(([{ name }]) => Object.hasOwn(fields, name));
  if (frames === "xdp") view.setUint32(XDP_MD_DATA_END, len, true); // no metadata in front
  for (const [{ off, size }, value] of given) {
    if (size === 8) view.setBigUint64(off, value, true);
    else view.setUint32(off, Number(value), true);
  }
  return bytes;
}

const XDP_MD_DATA_END = 4;
const CB = [SKB_CB, SKB_CB + 4, SKB_CB + 8, SKB_CB + 12, SKB_CB + 16];

function skbAfter(view: DataView): KernelSkb {
  return {
    mark: view.getUint32(SKB_MARK, true),
    priority: view.getUint32(SKB_PRIORITY, true),
    cb: CB.map((off) => view.getUint32(off, true)),
  };
}

/** struct bpf_func_info of each function: its insn and the type of its name and arguments. */
function funcInfo(prog: ProgSpec): Uint8Array {
  const bytes = new Uint8Array(prog.funcs.length * 8);
  const view = new DataView(bytes.buffer);
  for (const [i, { pc, typeId }] of prog.funcs.entries()) {
    view.setUint32(i * 8, pc, true);
    view.setUint32(i * 8 + 4, typeId, true);
  }
  return bytes;
}
