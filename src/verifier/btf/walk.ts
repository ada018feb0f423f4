// What lies at a place of a struct: a number, a pointer, or a struct inside it. Follows nested structs, arrays,
// unions and bit fields as the kernel does; knows no registers.
import type { Btf, BtfMember, BtfType } from "../../btf/btf.ts";
import { isStructType, sizeOfType, type StructType } from "../../btf/query.ts";
import type { ErrnoName } from "../../spec/errors.ts";
import { PERCPU, RCU, UNTRUSTED, USER } from "../state/regs.ts";

export type Walked =
  | { readonly to: "scalar"; readonly flags: number }
  /** a struct begins exactly here */
  | { readonly to: "struct"; readonly id: number; readonly flags: number }
  | { readonly to: "ptr"; readonly id: number; readonly flags: number; readonly field: string }
  /** a pointer to something that is no struct */
  | { readonly to: "mem"; readonly flags: number }
  | { readonly to: "nothing"; readonly code: ErrnoName; readonly reason: string };

interface Place {
  readonly off: number;
  readonly size: number;
  readonly flags: number;
}

/** The struct itself, or the element of an array at its end that has no length. */
type Inside = { readonly t: StructType; readonly off: number } | Walked;

const TAG_FLAGS: Readonly<Record<string, number>> = { user: USER, percpu: PERCPU, rcu: RCU };

function nothing(code: ErrnoName, reason: string): Walked {
  return { to: "nothing", code, reason };
}

function beyond(t: StructType, at: Place): Walked {
  return nothing("EACCES", `access beyond struct ${t.name || "(anon)"} at off ${at.off} size ${at.size}`);
}

/** Where the access ends beyond the struct: into the flexible array at its end, if it has one. */
function intoFlexArray(btf: Btf, t: StructType, at: Place): Inside {
  const last = t.members[t.members.length - 1];
  const array = last === undefined ? undefined : btf.resolve(last.typeId);
  if (last === undefined || array?.kind !== "array" || array.nelems !== 0) return beyond(t, at);
  const start = last.bitOff >>> 3;
  if (at.off < start) return beyond(t, at);
  const elem = btf.resolve(array.typeId);
  if (elem.kind === "int") return { to: "scalar", flags: at.flags };
  if (!isStructType(elem) || elem.size === 0) return beyond(t, at);
  return { t: elem, off: (at.off - start) % elem.size };
}

/** One step: the member at the place, looked into until it is a number, a pointer, or begins there. */
export function walkStruct(btf: Btf, typeId: number, place: Place, flexArrays: boolean): Walked {
  let { off, flags } = place;
  let t: BtfType = btf.resolve(typeId);
  for (;;) {
    if (!isStructType(t)) return nothing("EINVAL", `Type '${t.name}' is not a struct`);
    // which member of a union is there nobody knows
    if (t.kind === "union" && t.members.length !== 1) flags |= UNTRUSTED;
    const at: Place = { off, size: place.size, flags };
    if (off + place.size > t.size) {
      const inside: Inside = flexArrays ? intoFlexArray(btf, t, at) : beyond(t, at);
      if ("to" in inside) return inside;
      t = inside.t;
      off = inside.off;
      continue;
    }
    const found = inMember(btf, t, at);
    if ("to" in found) return found;
    t = found.t;
    off = found.off;
  }
}

function inMember(btf: Btf, t: StructType, at: Place): Inside {
  const { off, size } = at;
  for (const m of t.members) {
    const start = m.bitOff >>> 3;
    if (off + size <= start) break;
    if (m.bitSize !== 0) {
      if (off <= start && Math.ceil((m.bitOff + m.bitSize) / 8) <= off + size)
        return { to: "scalar", flags: at.flags };
      continue;
    }
    if (off < start) break;
    const total = sizeOfType(btf, m.typeId);
    if (total === undefined) return nothing("EFAULT", `field ${m.name} doesn't have size`);
    if (off >= start + total) continue;
    return inField(btf, t, m, total, at);
  }
  return nothing("EINVAL", `struct ${t.name} doesn't have field at offset ${off}`);
}

/** The type of an array's elements, of every dimension, and how many there are. */
function elementOf(btf: Btf, typeId: number): { readonly t: BtfType; readonly count: number } {
  let t = btf.resolve(typeId);
  let count = 1;
  while (t.kind === "array") {
    count *= t.nelems;
    t = btf.resolve(t.typeId);
  }
  return { t, count };
}

function inField(btf: Btf, outer: StructType, m: BtfMember, total: number, at: Place): Inside {
  const end = (m.bitOff >>> 3) + total;
  const { t, count } = elementOf(btf, m.typeId);
  const each = total / count;
  const start = (m.bitOff >>> 3) + Math.floor((at.off - (m.bitOff >>> 3)) / each) * each;
  if (isStructType(t))
    return at.off === start ? { to: "struct", id: t.id, flags: at.flags } : { t, off: at.off - start };
  if (t.kind === "ptr") return pointerAt(btf, outer, m, t.typeId, start, each, at);
  if (at.off + at.size > end && (at.flags & UNTRUSTED) === 0)
    return nothing(
      "EACCES",
      `access beyond the end of member ${m.name} (mend:${end}) in struct ${outer.name || "(anon)"} with off ${at.off} size ${at.size}`,
    );
  return { to: "scalar", flags: at.flags };
}

function pointerAt(
  btf: Btf,
  outer: StructType,
  m: BtfMember,
  target: number,
  start: number,
  each: number,
  at: Place,
): Walked {
  if (each !== at.size || at.off !== start)
    return nothing(
      "EACCES",
      `cannot access ptr member ${m.name} with moff ${start} in struct ${outer.name || "(anon)"} with off ${at.off} size ${at.size}`,
    );
  const tag = btf.byId(target);
  const flags = tag.kind === "type_tag" ? (TAG_FLAGS[tag.name] ?? 0) : 0;
  const to = btf.resolve(target);
  if (isStructType(to)) return { to: "ptr", id: to.id, flags: at.flags | flags, field: m.name };
  return { to: "mem", flags: at.flags };
}

/** What a load of `size` bytes at `off` finds; structs that begin there are looked into as well. */
export function walkAccess(btf: Btf, typeId: number, off: number, size: number, flexArrays: boolean): Walked {
  let found = walkStruct(btf, typeId, { off, size, flags: 0 }, flexArrays);
  while (found.to === "struct")
    found = walkStruct(btf, found.id, { off: 0, size, flags: found.flags }, flexArrays);
  return found;
}
