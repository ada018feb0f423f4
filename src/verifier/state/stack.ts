// Eight bytes of a frame's stack: what each byte holds, and the value that was spilled there. Immutable.
// Byte 7 is the lowest address (fp-8), byte 0 the highest (fp-1): the order in which the kernel prints them.
import { ALL_SPILL, type RegState, UNKNOWN } from "./regs.ts";

export const BYTE_INVALID = 0;
export const BYTE_SPILL = 1;
export const BYTE_MISC = 2;
export const BYTE_ZERO = 3;
/** parts of an object that calls keep here and the program may not touch; see StackObject */
export const BYTE_DYNPTR = 4;
export const BYTE_ITER = 5;
export const BYTE_IRQ = 6;

const ALL_MISC = 0x22222222;
const ALL_ZERO = 0x33333333;

export type DynptrType = "local" | "ringbuf" | "skb" | "xdp" | "skb_meta" | "file";

/** One of a dynptr's two slots. */
export interface Dynptr {
  readonly kind: "dynptr";
  readonly type: DynptrType;
  /** the same in both slots and in every copy, for slices to name */
  readonly id: number;
  readonly refId: number;
  /** the slot at the lower address */
  readonly first: boolean;
  readonly rdonly: boolean;
  /** the dynptr it was cloned from shares this, 0 = none */
  readonly parentId: number;
}

/** What a call put into a slot: one of the slots of a dynptr or iterator, or the saved irq flags. */
export type StackObject =
  | Dynptr
  | {
      readonly kind: "iter";
      /** struct bpf_iter_<name> */
      readonly name: string;
      readonly state: "active" | "drained";
      readonly depth: number;
      /** first slot: the reference; the others 0 */
      readonly refId: number;
      readonly rcu: boolean;
      /** what protected its elements ended */
      readonly untrusted: boolean;
    }
  | { readonly kind: "irq"; readonly refId: number; readonly native: boolean };

const OBJECT_BYTE: Readonly<Record<StackObject["kind"], number>> = {
  dynptr: BYTE_DYNPTR,
  iter: BYTE_ITER,
  irq: BYTE_IRQ,
};

export interface StackSlot {
  /** four bits a byte, byte 0 lowest */
  readonly bytes: number;
  /** the value of the bytes marked as spill, else undefined */
  readonly spilled: RegState | undefined;
  /** the object all eight bytes are part of, else undefined */
  readonly object?: StackObject | undefined;
}

/** Every slot but one that holds a value as a whole: that is the value. */
class MixedSlot implements StackSlot {
  constructor(
    readonly bytes: number,
    readonly spilled: RegState | undefined,
    readonly object?: StackObject,
  ) {}
}

export function objectSlot(object: StackObject): StackSlot {
  return new MixedSlot(OBJECT_BYTE[object.kind] * 0x11111111, undefined, object);
}

export const EMPTY_SLOT: StackSlot = new MixedSlot(0, undefined);
const MISC_SLOT = new MixedSlot(ALL_MISC, undefined);
const ZERO_SLOT = new MixedSlot(ALL_ZERO, undefined);

export function byteAt(slot: StackSlot, i: number): number {
  return (slot.bytes >>> (i * 4)) & 0xf;
}

/** The byte is part of an object. */
export function isObjectByte(b: number): boolean {
  return b >= BYTE_DYNPTR;
}

export function isSpill(slot: StackSlot): boolean {
  return slot.spilled !== undefined;
}

export function isFullSpill(slot: StackSlot): boolean {
  return slot.bytes === ALL_SPILL;
}

/** Bytes of the spilled value, from the lowest address up. */
export function spillSize(slot: StackSlot): number {
  if (slot.bytes === ALL_SPILL) return 8;
  let n = 0;
  for (let i = 7; i >= 0 && byteAt(slot, i) === BYTE_SPILL; i--) n++;
  return n;
}

/** Says no more of any byte than that nothing was written there. */
export function isUnset(slot: StackSlot, uninitStack: boolean): boolean {
  if (slot.bytes === 0) return true;
  if (!uninitStack) return false;
  for (let i = 0; i < 8; i++) {
    const b = byteAt(slot, i);
    if (b !== BYTE_MISC && b !== BYTE_INVALID) return false;
  }
  return true;
}

/** No byte other than misc; an uninitialised one counts as misc where it may be read. */
function isAllMisc(slot: StackSlot, uninitStack: boolean): boolean {
  return slot.bytes === ALL_MISC || (uninitStack && isUnset(slot, true));
}

/** The slot's whole value as a scalar, if it can be read as one. */
export function slotScalar(slot: StackSlot, uninitStack: boolean): RegState | undefined {
  if (slot.bytes === ALL_SPILL && slot.spilled?.kind === "scalar") return slot.spilled;
  return slot.spilled === undefined && slot.object === undefined && isAllMisc(slot, uninitStack)
    ? UNKNOWN
    : undefined;
}

/** A value of `size` bytes spilled at the slot's lowest address. */
export function spillSlot(old: StackSlot, reg: RegState, size: number): StackSlot {
  if (size === 8) return reg;
  let bytes = 0;
  for (let i = 7; i >= 0; i--) {
    const was = byteAt(old, i);
    const now = i >= 8 - size ? BYTE_SPILL : was === BYTE_ZERO || was === BYTE_INVALID ? was : BYTE_MISC;
    bytes |= now << (i * 4);
  }
  return new MixedSlot(bytes, reg);
}

/** The same bytes of another value. */
export function respill(slot: StackSlot, reg: RegState): StackSlot {
  return slot.bytes === ALL_SPILL ? reg : new MixedSlot(slot.bytes, reg);
}

/** What is left when a spilled value is overwritten in part: every byte that was set becomes unknown. */
export function scrubSlot(slot: StackSlot): StackSlot {
  if (slot.spilled === undefined && slot.object === undefined) return slot;
  if (slot.bytes === ALL_SPILL || slot.object !== undefined) return MISC_SLOT;
  let bytes = 0;
  for (let i = 0; i < 8; i++) if (byteAt(slot, i) !== BYTE_INVALID) bytes |= BYTE_MISC << (i * 4);
  return new MixedSlot(bytes, undefined);
}

/** Bytes hi..hi-size+1 (indexes) become `type`; the slot holds no spilled value after that. */
export function setBytes(slot: StackSlot, hi: number, size: number, type: number): StackSlot {
  const mask = size === 8 ? -1 : ((1 << (4 * size)) - 1) << (4 * (hi - size + 1));
  const bytes = (scrubSlot(slot).bytes & ~mask) | ((type * 0x11111111) & mask);
  if (bytes === ALL_MISC) return MISC_SLOT;
  if (bytes === ALL_ZERO) return ZERO_SLOT;
  return new MixedSlot(bytes, undefined);
}
