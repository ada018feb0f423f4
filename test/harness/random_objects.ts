// Random programs about what the kernel hands out and wants back: sockets, ring-buffer records, dynptrs, number
// iterators, regions of RCU and preemption, values that may be null. Most are right; now and then a check, a release
// or an argument is wrong on purpose. The same seed gives the same program.
import type { Btf } from "../../src/btf/btf.ts";
import type { AluOp, JmpOp, RegNo, Size } from "../../src/isa/insn.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import { kfuncId } from "../../src/verifier/kfunc/desc.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { mapDef } from "./map_def.ts";
import { Builder, Rng } from "./random_builder.ts";
import { imm, reg } from "./random_gen.ts";

// biome-ignore format: table
export const OBJECT_MAPS: readonly MapDef[] = [
  mapDef("hash",  "hash",    4, 64, 64),
  mapDef("array", "array",   4, 64, 4),
  mapDef("ring",  "ringbuf", 0, 0,  4096),
];
const [HASH, ARRAY, RING] = [0, 1, 2] as const;

const CTX: RegNo = 6;
const KEPT: readonly RegNo[] = [7, 8, 9];

// the stack, from the frame pointer
const KEY = -8;
const TUPLE = -24;
const DYNPTRS = [-48, -64] as const;
const ITERS = [-72, -80] as const;
const BUFFER = -112;
const SPILLS = [-120, -128] as const;

/** What a register or slot holds. */
type Kind = "sock" | "sock_common" | "tcp" | "value" | "record" | "slice" | "number";
type DynptrKind = "local" | "ring" | "packet";

/** How each is given back. */
const RELEASE: Partial<Record<Kind, readonly string[]>> = {
  sock: ["sk_release"],
  sock_common: ["sk_release"],
  record: ["ringbuf_submit", "ringbuf_discard"],
};

class Objects {
  readonly b = new Builder();
  readonly held = new Map<RegNo, Kind>();
  readonly dynptrs = new Map<number, DynptrKind>();
  readonly iters = new Set<number>();
  regions: ("rcu" | "preempt")[] = [];
  depth = 0;

  constructor(
    readonly rng: Rng,
    readonly type: "xdp" | "sched_cls",
    private readonly btf: () => Btf | undefined,
  ) {}

  /** One in thirty: something goes wrong here. */
  get slips(): boolean {
    return this.rng.below(30) === 0;
  }

  mov(dst: RegNo, src: RegNo | { readonly n: number }): void {
    const operand = typeof src === "number" ? reg(src) : imm(src.n);
    this.b.emit({ kind: "alu", op: "mov", width: 64, dst, src: operand, signed: false });
  }
  alu(op: AluOp, dst: RegNo, n: number): void {
    this.b.emit({ kind: "alu", op, width: 64, dst, src: imm(n), signed: false });
  }
  fp(dst: RegNo, off: number): void {
    this.mov(dst, 10);
    this.alu("add", dst, this.slips ? off + this.rng.pick([-8, 4, 8]) : off);
  }
  load(dst: RegNo, base: RegNo, off: number, size: Size): void {
    this.b.emit({ kind: "ldx", dst, base, off, size, signed: false });
  }
  store(base: RegNo, off: number, size: Size, src: RegNo | { readonly n: number }): void {
    this.b.emit({ kind: "st", base, off, size, src: typeof src === "number" ? reg(src) : imm(src.n) });
  }
  map(dst: RegNo, map: number): void {
    this.b.emit({ kind: "ld_imm64", dst, value: { kind: "map", map: this.slips ? this.rng.below(3) : map } });
  }
  helper(name: string): void {
    this.b.emit({ kind: "call", callee: { kind: "helper", id: helperByName(name)?.id ?? 0 } });
  }
  kfunc(name: string): void {
    const btfId = kfuncId(name, this.btf);
    if (btfId === undefined) throw new Error(`the kernel has no ${name}`);
    this.b.emit({ kind: "call", callee: { kind: "kfunc", btfId, off: 0 } });
  }
  jump(op: JmpOp, dst: RegNo, n: number, target: number): void {
    this.b.emit({ kind: "jmp", op, width: 64, dst, src: imm(n), target });
  }

  free(): RegNo | undefined {
    const free = KEPT.filter((r) => !this.held.has(r));
    return free.length === 0 ? undefined : this.rng.pick(free);
  }
  any(...kinds: readonly Kind[]): RegNo | undefined {
    const found = [...this.held].filter(([, kind]) => kinds.includes(kind)).map(([r]) => r);
    return found.length === 0 ? undefined : this.rng.pick(found);
  }

  /** r0 may be null: the path without it ends here, or goes on without it. */
  keep(kind: Kind): void {
    const to = this.free();
    if (to === undefined) {
      if (RELEASE[kind] === undefined) return;
      return this.giveBack(0, kind, true);
    }
    if (!this.slips) {
      const ok = this.b.label();
      this.jump("jne", 0, 0, ok);
      this.leave();
      this.b.place(ok);
    }
    this.mov(to, 0);
    this.held.set(to, kind);
  }

  giveBack(from: RegNo, kind: Kind, mayBeNull: boolean): void {
    const names = RELEASE[kind];
    if (names === undefined) return;
    const skip = this.b.label();
    if (mayBeNull && !this.slips) this.jump("jeq", from, 0, skip);
    this.mov(1, from);
    this.mov(2, { n: 0 });
    this.helper(this.rng.pick(names));
    this.b.place(skip);
  }

  release(r: RegNo): void {
    const kind = this.held.get(r);
    if (kind === undefined) return;
    this.giveBack(r, kind, false);
    if (RELEASE[kind] !== undefined && !this.slips) this.held.delete(r);
  }

  /** All that must be given back is, and the program ends. */
  leave(): void {
    for (const [r, kind] of this.held) if (!this.slips) this.giveBack(r, kind, false);
    for (const [off, kind] of this.dynptrs) if (kind === "ring" && !this.slips) this.submit(off);
    for (const off of this.iters) if (!this.slips) this.destroyIter(off);
    for (const region of this.regions.toReversed()) if (!this.slips) this.unlock(region);
    this.mov(0, { n: this.rng.below(3) });
    this.b.emit({ kind: "exit" });
  }

  submit(off: number): void {
    this.fp(1, off);
    this.mov(2, { n: 0 });
    this.helper(this.rng.pick(["ringbuf_submit_dynptr", "ringbuf_discard_dynptr"]));
  }
  destroyIter(off: number): void {
    this.fp(1, off);
    this.kfunc("bpf_iter_num_destroy");
  }
  unlock(region: "rcu" | "preempt"): void {
    this.kfunc(region === "rcu" ? "bpf_rcu_read_unlock" : "bpf_preempt_enable");
  }
}

function makeLookup(g: Objects): void {
  g.map(1, g.rng.pick([HASH, ARRAY]));
  g.fp(2, KEY);
  g.helper("map_lookup_elem");
  g.keep("value");
}

function makeSocket(g: Objects): void {
  g.mov(1, CTX);
  g.fp(2, TUPLE);
  g.mov(3, { n: g.slips ? 64 : 12 });
  g.mov(4, { n: g.slips ? 1 : -1 });
  g.mov(5, { n: 0 });
  const common = g.rng.chance(30);
  g.helper(common ? "skc_lookup_tcp" : g.rng.pick(["sk_lookup_tcp", "sk_lookup_udp"]));
  g.keep(common ? "sock_common" : "sock");
}

/** A socket seen otherwise: derived, released with the one it is of. */
function makeView(g: Objects): void {
  const from = g.any("sock", "sock_common");
  const to = g.free();
  if (from === undefined || to === undefined || g.type !== "sched_cls") return;
  g.mov(1, from);
  const tcp = g.rng.chance(50);
  g.helper(tcp ? "tcp_sock" : "sk_fullsock");
  g.mov(to, 0);
  const skip = g.b.label();
  if (!g.slips) g.jump("jeq", to, 0, skip);
  g.load(1, to, g.rng.pick([0, 4, 8, 16, 60]), 4);
  if (g.rng.chance(10)) g.release(from);
  g.load(2, to, 4, 4);
  g.b.place(skip);
}

function makeRecord(g: Objects): void {
  g.map(1, RING);
  g.mov(2, { n: g.rng.pick([8, 16, 32]) });
  g.mov(3, { n: 0 });
  g.helper("ringbuf_reserve");
  g.keep("record");
}

function makeAccess(g: Objects): void {
  const r = g.any("value", "record", "sock", "sock_common", "slice");
  if (r === undefined) return;
  const kind = g.held.get(r);
  const size = g.rng.pick([1, 2, 4, 8] as const);
  const off = size * g.rng.below(g.slips ? 40 : 8 / size);
  if (kind === "sock" || kind === "sock_common") g.load(1, r, 4 * g.rng.below(g.slips ? 24 : 8), 4);
  else if (g.rng.chance(50)) g.load(g.rng.pick([1, 2, 0]), r, off, size);
  else g.store(r, off, size, { n: g.rng.below(9) });
}

function makeRelease(g: Objects): void {
  const r = g.any("sock", "record", "sock_common");
  if (r !== undefined && g.depth === 0) g.release(r);
}

function freeDynptr(g: Objects): number | undefined {
  return DYNPTRS.find((off) => !g.dynptrs.has(off) || g.slips);
}

function makeDynptr(g: Objects): void {
  const off = freeDynptr(g);
  if (off === undefined || g.depth > 0) return;
  const kind = g.rng.pick(["local", "ring", "packet"] as const);
  if (kind === "local") {
    const value = g.any("value");
    if (value === undefined) return;
    g.mov(1, value);
    g.mov(2, { n: g.slips ? 128 : 32 });
    g.mov(3, { n: 0 });
    g.fp(4, off);
    g.helper("dynptr_from_mem");
  } else if (kind === "ring") {
    g.map(1, RING);
    g.mov(2, { n: 24 });
    g.mov(3, { n: 0 });
    g.fp(4, off);
    g.helper("ringbuf_reserve_dynptr");
  } else {
    g.mov(1, CTX);
    g.mov(2, { n: 0 });
    g.fp(3, off);
    g.kfunc(g.type === "xdp" ? "bpf_dynptr_from_xdp" : "bpf_dynptr_from_skb");
  }
  g.dynptrs.set(off, kind);
}

function makeDynptrUse(g: Objects): void {
  const entry = g.dynptrs.size === 0 ? undefined : g.rng.pick([...g.dynptrs]);
  if (entry === undefined) return;
  const [off] = entry;
  switch (g.rng.below(5)) {
    case 0:
      g.fp(1, BUFFER);
      g.mov(2, { n: g.rng.pick([4, 8, 32]) });
      g.fp(3, off);
      g.mov(4, { n: g.rng.below(16) });
      g.mov(5, { n: 0 });
      return g.helper("dynptr_read");
    case 1:
      g.fp(1, off);
      g.mov(2, { n: 0 });
      g.fp(3, BUFFER);
      g.mov(4, { n: g.rng.pick([4, 8, 32]) });
      g.mov(5, { n: 0 });
      return g.helper("dynptr_write");
    case 2:
      g.fp(1, off);
      g.mov(2, { n: 0 });
      g.mov(3, { n: 8 });
      g.helper("dynptr_data");
      return g.keep("slice");
    case 3:
      g.fp(1, off);
      g.mov(2, { n: g.rng.below(20) });
      g.fp(3, BUFFER);
      g.mov(4, { n: g.rng.pick([8, 16]) });
      g.kfunc(g.rng.pick(["bpf_dynptr_slice", "bpf_dynptr_slice_rdwr"]));
      return g.keep("slice");
    default:
      g.fp(1, off);
      return g.kfunc(g.rng.pick(["bpf_dynptr_size", "bpf_dynptr_is_null", "bpf_dynptr_is_rdonly"]));
  }
}

function makeDynptrEnd(g: Objects): void {
  const entry = [...g.dynptrs].find(([, kind]) => kind === "ring");
  if (entry === undefined || g.depth > 0) return;
  g.submit(entry[0]);
  if (!g.slips) g.dynptrs.delete(entry[0]);
}

/** A slot is written over: a spill, or bytes. */
function makeStackWrite(g: Objects): void {
  const off = g.slips ? g.rng.pick([...DYNPTRS, ...ITERS]) : g.rng.pick([BUFFER, BUFFER + 8, ...SPILLS]);
  const r = g.any("value", "sock", "record", "slice");
  if (r !== undefined && off <= BUFFER && g.rng.chance(50)) {
    g.store(10, off, 8, r);
    g.load(1, 10, off, 8);
    if (g.rng.chance(50)) g.load(2, 1, 0, 4);
    g.store(10, off, 8, { n: 0 });
  } else g.store(10, off, g.rng.pick([4, 8] as const), { n: 7 });
}

function makeIter(g: Objects): void {
  const off = ITERS.find((at) => !g.iters.has(at));
  if (off === undefined || g.depth > 1) return;
  g.fp(1, off);
  g.mov(2, { n: 0 });
  g.mov(3, { n: g.rng.pick([1, 3, 10, 1000]) });
  g.kfunc("bpf_iter_num_new");
  g.iters.add(off);
  g.depth++;
  const head = g.b.label();
  const done = g.b.label();
  g.b.place(head);
  g.fp(1, off);
  g.kfunc("bpf_iter_num_next");
  if (!g.slips) g.jump("jeq", 0, 0, done);
  g.load(1, 0, 0, 4);
  if (g.rng.chance(50)) makeIndexed(g);
  makeBody(g, g.rng.between(0, 2));
  g.b.emit({ kind: "ja", wide: false, target: head });
  g.b.place(done);
  g.depth--;
  if (!g.slips) g.destroyIter(off);
  g.iters.delete(off);
}

/** r1, checked or not, as an index into a value. */
function makeIndexed(g: Objects): void {
  const value = g.any("value");
  if (value === undefined) return;
  const skip = g.b.label();
  if (!g.slips) g.jump(g.rng.pick(["jge", "jgt"]), 1, g.rng.pick([8, 56, 60]), skip);
  g.mov(2, value);
  g.b.emit({ kind: "alu", op: "add", width: 64, dst: 2, src: reg(1), signed: false });
  g.load(3, 2, 0, g.rng.pick([1, 4] as const));
  g.b.place(skip);
}

function makeRegion(g: Objects): void {
  const region = g.rng.pick(["rcu", "preempt"] as const);
  g.kfunc(region === "rcu" ? "bpf_rcu_read_lock" : "bpf_preempt_disable");
  g.regions.push(region);
  makeBody(g, g.rng.between(0, 2));
  g.regions.pop();
  if (!g.slips) g.unlock(region);
}

function makeBranch(g: Objects): void {
  const value = g.any("value", "slice", "record");
  if (value === undefined) g.helper("get_prandom_u32");
  else g.load(0, value, 0, 4);
  const skip = g.b.label();
  g.jump(g.rng.pick(["jeq", "jgt", "jslt", "jset"]), 0, g.rng.below(10), skip);
  g.depth++;
  const before = new Map(g.held);
  makeBody(g, g.rng.between(1, 2));
  g.depth--;
  for (const [r, kind] of g.held) {
    if (before.has(r)) continue;
    if (!g.slips) g.giveBack(r, kind, false);
    g.held.delete(r);
  }
  g.b.place(skip);
}

/** Packet data moves: what pointed there is gone. */
function makeMove(g: Objects): void {
  g.mov(1, CTX);
  g.mov(2, { n: 0 });
  g.helper(g.type === "xdp" ? "xdp_adjust_head" : "skb_pull_data");
}

const STATEMENTS: readonly (readonly [number, (g: Objects) => void])[] = [
  [6, makeLookup],
  [4, makeSocket],
  [2, makeView],
  [4, makeRecord],
  [8, makeAccess],
  [3, makeRelease],
  [4, makeDynptr],
  [6, makeDynptrUse],
  [2, makeDynptrEnd],
  [3, makeStackWrite],
  [3, makeIter],
  [2, makeRegion],
  [4, makeBranch],
  [1, makeMove],
];
const TOTAL = STATEMENTS.reduce((sum, [weight]) => sum + weight, 0);

function makeBody(g: Objects, count: number): void {
  for (let i = 0; i < count; i++) {
    let at = g.rng.below(TOTAL);
    for (const [weight, make] of STATEMENTS) {
      at -= weight;
      if (at >= 0) continue;
      make(g);
      break;
    }
  }
}

/** The program of a seed, for a kernel with these types. It need not be valid. */
export function randomObjectProg(seed: number, btf: () => Btf | undefined): Prog {
  const rng = new Rng(seed);
  const type = rng.pick(["xdp", "sched_cls"] as const);
  const g = new Objects(rng, type, btf);
  g.b.startFunction();
  g.mov(CTX, 1);
  for (const off of [KEY, TUPLE, TUPLE + 8, BUFFER, BUFFER + 8, BUFFER + 16, BUFFER + 24])
    if (!g.slips) g.store(10, off, 8, { n: 0 });
  makeBody(g, rng.between(3, 12));
  g.leave();
  return {
    name: `objects_${seed}`,
    type,
    flags: [],
    gplCompatible: true,
    insns: g.b.finish(),
    maps: OBJECT_MAPS,
    kernelBtf: btf,
    subprogs: [{ name: `objects_${seed}`, pc: 0, global: false }],
    lines: [],
    funcs: [{ pc: 0, typeId: 0 }],
  };
}
