// What is known of one register or spilled value. Immutable: a change makes a new RegState, so states share them.
// The kinds are the words the kernel prints. Knows nothing of insns, frames or how facts are used.
import type { Btf } from "../../btf/btf.ts";
import { CONSTS_KEPT, Scalar, sameScalar } from "../scalar/scalar.ts";

export type RegKind =
  | "?" // not initialised
  | "scalar"
  | "ctx"
  | "fp"
  | "map_ptr"
  | "map_value"
  | "map_key"
  | "pkt"
  | "pkt_meta"
  | "pkt_end"
  | "flow_keys"
  | "sock"
  | "sock_common"
  | "tcp_sock"
  | "xdp_sock"
  | "tp_buffer"
  | "ptr_" // to a type of BTF
  | "mem"
  | "buf" // of an iterator: how long it is only the iterator knows
  | "arena"
  | "dynptr_ptr"
  | "func";

// Flags of a register. Most qualify the kind, as in the words of the log (rdonly_mem, trusted_ptr_, …).
export const MAYBE_NULL = 1 << 0;
export const RDONLY = 1 << 1;
export const RINGBUF = 1 << 2;
export const USER = 1 << 3;
export const PERCPU = 1 << 4;
export const RCU = 1 << 5;
export const UNTRUSTED = 1 << 6;
export const TRUSTED = 1 << 7;
/** from bpf_obj_new: the program's own type, to be dropped or given away */
export const ALLOC = 1 << 8;
/** a node of a list or tree seen under its lock: not owned */
export const NON_OWN_REF = 1 << 9;
/** mem: packet bytes that a dynptr gave, gone when the packet changes */
export const PKT_SLICE = 1 << 12;
/** scalars: `off` counts, in 64 bits or modulo 2^32 */
export const ADD_CONST64 = 1 << 10;
export const ADD_CONST32 = 1 << 11;
export const ADD_CONST: number = ADD_CONST64 | ADD_CONST32;

/** Packet ranges below zero: the pointer was compared and lies at, or beyond, the packet's end. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

/** The kind with what qualifies it. */
export interface RegType {
  readonly kind: RegKind;
  readonly flags: number;
}

/** What the bytes of a slot are that holds a value as a whole; see stack.ts. */
export const ALL_SPILL = 0x11111111;

/** Of a register; also a slot of the stack in which it was spilled whole, which is by far the most common kind. */
export class RegState {
  constructor(
    readonly kind: RegKind,
    /** pointers: fixed offset. Scalars: distance from the others with this id, where ADD_CONST64 or 32 is set. */
    readonly off: number,
    /** scalars: the value. Pointers: the variable part of the offset. */
    readonly s: Scalar,
    /** 0: alone. Else the same in all copies that share facts. */
    readonly id: number,
    /** pkt, pkt_meta: range. map_*: map index. fp: frameno. mem, buf: size. func: subprogno. ptr_: type id in `btf`. */
    readonly aux: number,
    readonly flags: number,
    /** the reference this value holds or derives from: an id of VerifierState.refs, 0 = none */
    readonly refId: number = 0,
    /** ptr_: where `aux` is a type */
    readonly btf?: Btf,
    /** mem: the dynptr it is a slice of, 0 = none */
    readonly dynptrId: number = 0,
  ) {}

  get bytes(): number {
    return ALL_SPILL;
  }

  get spilled(): RegState {
    return this;
  }

  get object(): undefined {
    return undefined;
  }

  get maybeNull(): boolean {
    return (this.flags & MAYBE_NULL) !== 0;
  }

  get addConst(): boolean {
    return (this.flags & ADD_CONST) !== 0;
  }

  /** All of `flags` are set. */
  is(flags: number): boolean {
    return (this.flags & flags) === flags;
  }
}

export const NOT_INIT: RegState = new RegState("?", 0, Scalar.zero, 0, 0, 0);
export const UNKNOWN: RegState = new RegState("scalar", 0, Scalar.unknown, 0, 0, 0);
const UNKNOWN32: RegState = new RegState("scalar", 0, Scalar.unknown32, 0, 0, 0);
export const ZERO: RegState = new RegState("scalar", 0, Scalar.zero, 0, 0, 0);

const constRegs: (RegState | undefined)[] = new Array(CONSTS_KEPT).fill(undefined);

/** A constant as a register; most often the same object as the last time. */
function constReg(s: Scalar): RegState {
  const i = s.valLo & (CONSTS_KEPT - 1);
  const known = constRegs[i];
  if (known?.s === s) return known;
  const made = new RegState("scalar", 0, s, 0, 0, 0);
  constRegs[i] = made;
  return made;
}

/** A signed 32-bit immediate. */
export function immReg(imm: number): RegState {
  return constReg(Scalar.ofImm(imm));
}

export function scalarReg(s: Scalar): RegState {
  if (s === Scalar.unknown) return UNKNOWN;
  if (s === Scalar.unknown32) return UNKNOWN32;
  return s.isConst ? constReg(s) : new RegState("scalar", 0, s, 0, 0, 0);
}

export function ptrReg(kind: RegKind, off: number, aux: number, flags = 0): RegState {
  return new RegState(kind, off, Scalar.zero, 0, aux, flags);
}

/** The same with other numbers; what it points to and what it holds stays. */
function changed(r: RegState, off: number, s: Scalar, id: number, aux: number, flags: number): RegState {
  return new RegState(r.kind, off, s, id, aux, flags, r.refId, r.btf, r.dynptrId);
}

export function withId(r: RegState, id: number): RegState {
  return changed(r, r.off, r.s, id, r.aux, r.flags & ~ADD_CONST);
}

/** A scalar that shares no facts with any other. */
export function withoutId(r: RegState): RegState {
  if (r.id === 0 && !r.addConst) return r;
  return changed(r, r.kind === "scalar" ? 0 : r.off, r.s, 0, r.aux, r.flags & ~ADD_CONST);
}

export function withValue(r: RegState, s: Scalar): RegState {
  return s === r.s ? r : changed(r, r.off, s, r.id, r.aux, r.flags);
}

/** Of a scalar: all that is known of it is its value. */
export function sharesNothing(r: RegState): boolean {
  return (r.id | r.off | r.flags) === 0;
}

/** The pointer elsewhere: another fixed offset, another variable part. */
export function withPlace(r: RegState, off: number, s: Scalar): RegState {
  return changed(r, off, s, r.id, r.aux, r.flags);
}

export function withRange(r: RegState, range: number): RegState {
  return changed(r, r.off, r.s, r.id, range, r.flags);
}

export function withFlags(r: RegState, flags: number): RegState {
  return flags === r.flags ? r : changed(r, r.off, r.s, r.id, r.aux, flags);
}

export function isPkt(r: RegState): boolean {
  return r.kind === "pkt" || r.kind === "pkt_meta";
}

export function isPktAny(r: RegState): boolean {
  return r.kind === "pkt" || r.kind === "pkt_meta" || r.kind === "pkt_end";
}

export function isPtr(r: RegState): boolean {
  return r.kind !== "scalar";
}

/** The scalar 0, which is also null. */
export function isNull(r: RegState): boolean {
  return r.kind === "scalar" && r.s.isZero;
}

/** The packet pointer as it came from the context: nothing added. */
export function isInitPkt(r: RegState, kind: RegKind): boolean {
  return r.kind === kind && r.off === 0 && r.s.isZero;
}

/** What the log writes before the kind, in its order. */
const PREFIXES: readonly (readonly [flag: number, word: string])[] = [
  [RDONLY, "rdonly_"],
  [RINGBUF, "ringbuf_"],
  [USER, "user_"],
  [PERCPU, "percpu_"],
  [RCU, "rcu_"],
  [UNTRUSTED, "untrusted_"],
  [TRUSTED, "trusted_"],
];
const PREFIXED = RDONLY | RINGBUF | USER | PERCPU | RCU | UNTRUSTED | TRUSTED;
/** What the log writes of a kind's flags. */
export const SPELLED: number = PREFIXED | MAYBE_NULL;
/** What makes another type of a kind. */
export const QUALIFIERS: number = SPELLED | ALLOC | NON_OWN_REF;

export function typeStr(kind: RegKind, flags: number): string {
  let out: string = kind;
  if ((flags & MAYBE_NULL) !== 0) out += kind === "ptr_" ? "or_null_" : "_or_null";
  if ((flags & PREFIXED) === 0) return out;
  const words = PREFIXES.filter(([flag]) => (flags & flag) !== 0).map(([, word]) => word);
  return words.join("") + out;
}

export function regTypeStr(r: RegState): string {
  return typeStr(r.kind, r.flags);
}

/** Equal but for ids: `id`, `refId` and `dynptrId` are compared as patterns, not as numbers. */
export function sameButId(a: RegState, b: RegState): boolean {
  return (
    a === b ||
    (a.kind === b.kind &&
      a.off === b.off &&
      a.aux === b.aux &&
      a.flags === b.flags &&
      a.btf === b.btf &&
      sameScalar(a.s, b.s))
  );
}
