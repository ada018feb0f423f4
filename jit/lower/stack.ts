// Which stack slots become locals: only in a frame whose address goes nowhere, and only slots that every
// access reads and writes whole. The rest stays in memory below the frame pointer.
import type { Insn, InsnOf, Size } from "../../src/isa/insn.ts";
import type { InsnAux, SubprogInfo } from "../../src/verifier/proof.ts";

export type AccessInsn =
  | InsnOf<"ldx">
  | InsnOf<"st">
  | InsnOf<"atomic">
  | InsnOf<"load_acquire">
  | InsnOf<"store_release">;

export interface Slots {
  /** offsets from the frame pointer that are locals, with the size of every access */
  readonly promoted: ReadonlyMap<number, Size>;
  /** some stack bytes are in memory */
  readonly usesMemory: boolean;
}

const IN_MEMORY: Slots = { promoted: new Map(), usesMemory: true };

export function isAccess(insn: Insn): insn is AccessInsn {
  return "base" in insn;
}

/** Offset of an access from the own frame pointer; undefined if it is elsewhere or not constant. */
export function stackOff(insn: AccessInsn, aux: InsnAux | undefined): number | undefined {
  if (insn.base === 10) return insn.off;
  const access = aux?.access;
  if (access?.kinds.length !== 1 || access.kinds[0] !== "stack" || access.fpDepth !== 0) return undefined;
  return access.fpOff;
}

/** Slots of one frame, from the insns of it that can be reached. */
export function planSlots(
  subprog: SubprogInfo,
  insns: Iterable<Insn>,
  aux: readonly (InsnAux | undefined)[] | undefined,
): Slots {
  if (aux === undefined || subprog.stackEscapes) return IN_MEMORY;
  const sizes = new Map<number, Size>();
  const spoiled = new Set<number>();
  for (const insn of insns) {
    if (!isAccess(insn)) continue;
    const facts = aux[insn.pc];
    const off = stackOff(insn, facts);
    if (off === undefined) {
      if (facts?.access === undefined || facts.access.kinds.includes("stack")) return IN_MEMORY;
      continue;
    }
    const plain = insn.kind === "ldx" || insn.kind === "st";
    if (!plain || (sizes.get(off) ?? insn.size) !== insn.size) spoiled.add(off);
    sizes.set(off, Math.max(insn.size, sizes.get(off) ?? 0) as Size);
  }
  return withoutOverlaps(sizes, spoiled);
}

function withoutOverlaps(sizes: ReadonlyMap<number, Size>, spoiled: ReadonlySet<number>): Slots {
  const sorted = [...sizes].toSorted(([a], [b]) => a - b);
  const promoted = new Map<number, Size>();
  let end = -Infinity;
  sorted.forEach(([off, size], i) => {
    const next = sorted[i + 1]?.[0] ?? Infinity;
    if (off >= end && off + size <= next && !spoiled.has(off)) promoted.set(off, size);
    end = Math.max(end, off + size);
  });
  return { promoted, usesMemory: promoted.size !== sizes.size };
}
