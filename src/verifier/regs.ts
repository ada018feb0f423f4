// What is known of one register or spilled value. Immutable: a change makes a new RegState, so states share them.
// The kinds are the words the kernel prints. Knows nothing of insns, frames or how facts are used.
import type { MapDef } from "./proof.ts";
import { Scalar, sameScalar } from "./scalar.ts";

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
  | "mem"
  | "func";

/** Packet ranges below zero: the pointer was compared and lies at, or beyond, the packet's end. */
export const AT_PKT_END = -1;
export const BEYOND_PKT_END = -2;

export class RegState {
  constructor(
    readonly kind: RegKind,
    /** pointers: fixed offset. Scalars: distance from the others with this id, where addConst is set. */
    readonly off: number,
    /** scalars: the value. Pointers: the variable part of the offset. */
    readonly s: Scalar,
    /** 0: alone. Else the same in all copies that share facts. */
    readonly id: number,
    /** pkt, pkt_meta: range. map_*: map index. fp: frameno. mem: size. func: subprogno. */
    readonly aux: number,
    readonly maybeNull: boolean,
    /** scalars: off counts */
    readonly addConst: boolean,
  ) {}
}

export const NOT_INIT: RegState = new RegState("?", 0, Scalar.zero, 0, 0, false, false);
export const UNKNOWN: RegState = new RegState("scalar", 0, Scalar.unknown, 0, 0, false, false);
export const ZERO: RegState = new RegState("scalar", 0, Scalar.zero, 0, 0, false, false);

export function scalarReg(s: Scalar): RegState {
  return new RegState("scalar", 0, s, 0, 0, false, false);
}

export function ptrReg(kind: RegKind, off: number, aux: number): RegState {
  return new RegState(kind, off, Scalar.zero, 0, aux, false, false);
}

export function withId(r: RegState, id: number): RegState {
  return new RegState(r.kind, r.off, r.s, id, r.aux, r.maybeNull, false);
}

/** A scalar that shares no facts with any other. */
export function withoutId(r: RegState): RegState {
  if (r.id === 0 && !r.addConst) return r;
  return new RegState(r.kind, r.kind === "scalar" ? 0 : r.off, r.s, 0, r.aux, r.maybeNull, false);
}

export function withValue(r: RegState, s: Scalar): RegState {
  return s === r.s ? r : new RegState(r.kind, r.off, s, r.id, r.aux, r.maybeNull, r.addConst);
}

export function withRange(r: RegState, range: number): RegState {
  return new RegState(r.kind, r.off, r.s, r.id, range, r.maybeNull, r.addConst);
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

/** Certainly not null at run time: nothing was subtracted that could lead to address 0. */
export function isNotNull(r: RegState): boolean {
  if (r.maybeNull || r.off < 0 || r.s.sminHi < 0) return false;
  return r.kind === "map_value" || r.kind === "map_key" || r.kind === "mem" || r.kind === "map_ptr";
}

export function regTypeStr(r: RegState): string {
  return r.maybeNull ? `${r.kind}_or_null` : r.kind;
}

/** Two values of such a map must be told apart. */
export function hasLock(map: MapDef): boolean {
  return map.specialFields.some((f) => f.kind === "bpf_spin_lock");
}

/** Equal but for the id. */
export function sameButId(a: RegState, b: RegState): boolean {
  return (
    a === b ||
    (a.kind === b.kind &&
      a.off === b.off &&
      a.aux === b.aux &&
      a.maybeNull === b.maybeNull &&
      a.addConst === b.addConst &&
      sameScalar(a.s, b.s))
  );
}
