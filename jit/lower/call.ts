// Calls: helpers of the library, subprogs, tail calls, and the legacy packet loads that are calls inside.
// A lookup in a map that is always the same goes to the entry of its type, or needs no call at all.
import type { InsnOf, RegNo } from "../../src/isa/insn.ts";
import type { CallAux } from "../../src/verifier/proof.ts";
import { BpfError } from "../../src/spec/errors.ts";
import { helperImpl } from "../../src/spec/helper_impls.ts";
import { HELPERS } from "../../src/spec/helpers.ts";
import { libName, THROW } from "../../src/spec/kfuncs/index.ts";
import {
  CPU_INDEX,
  CPU_TAIL_CALLS,
  MAP_ELEMS_OFF,
  MAP_MAX_ENTRIES,
  PROG_SLOT_SIZE,
} from "../../runtime/memory/layout.ts";
import { firstValue, MAX_TAIL_CALL_CNT, type MapBinding } from "./abi.ts";
import type { Expr, Fn } from "./fn.ts";
import { keyWords } from "./key.ts";
import { lowerForEach } from "./each.ts";
import { lowerLoopHelper } from "./loop.ts";
import { lowerThrow, passThrown } from "./throw.ts";

const ARG_REGS: readonly RegNo[] = [1, 2, 3, 4, 5];

type LowerHelper = (fn: Fn, map: MapBinding, aux: CallAux, pc: number) => boolean;

/** Helpers with a shorter way for a constant map; false: no such way for this map. */
// biome-ignore format: table
const BY_MAP: Readonly<Record<string, LowerHelper>> = {
  map_lookup_elem: (fn, map, aux, pc) =>
    lowerArrayLookup(fn, map, aux, pc) || lowerWordLookup(fn, map, pc) || lowerTypedCall(fn, map, "lookup"),
  map_update_elem: (fn, map)          => lowerTypedCall(fn, map, "update"),
  map_delete_elem: (fn, map)          => lowerTypedCall(fn, map, "delete"),
};

export function lowerCall(fn: Fn, insn: InsnOf<"call">): void {
  const { callee } = insn;
  if (callee.kind === "helper") return lowerHelper(fn, insn.pc, callee.id);
  if (callee.kind === "subprog") return lowerSubprogCall(fn, insn.pc, callee.target);
  lowerKfunc(fn, insn.pc, callee.btfId);
}

function lowerKfunc(fn: Fn, pc: number, id: number): void {
  const kfunc = fn.env.aux?.[pc]?.call?.kfunc;
  if (kfunc?.name === THROW) return lowerThrow(fn);
  const target = kfunc === undefined ? undefined : fn.env.libFunction(libName(kfunc.name));
  if (kfunc === undefined || target === undefined)
    throw new BpfError(
      "EOPNOTSUPP",
      `${pc}: kernel function ${kfunc?.name ?? `#${id}`} is not available here`,
    );
  const args = kfunc.ignored.map((ignored, i) => (ignored ? fn.imm64(0) : fn.get(ARG_REGS[i] as RegNo)));
  fn.set(0, fn.mark(fn.m.call(target, [fn.cpu(), ...args], fn.env.b.i64), pc));
}

function lowerHelper(fn: Fn, pc: number, id: number): void {
  const proto = HELPERS[id]?.proto;
  if (proto === undefined) throw new BpfError("EINVAL", `${pc}: invalid func #${id}`);
  const aux = fn.env.aux?.[pc]?.call;
  if (proto.name === "tail_call") return lowerTailCall(fn, pc);
  if (proto.name === "loop") return lowerLoopHelper(fn, pc, aux);
  if (proto.name === "for_each_map_elem") return lowerForEach(fn, pc, aux);
  const map = aux?.map === undefined ? undefined : fn.env.maps[aux.map];
  if (aux !== undefined && map !== undefined && BY_MAP[proto.name]?.(fn, map, aux, pc) === true) return;
  const target = libFunction(fn, pc, proto.name);
  const args = ARG_REGS.slice(0, proto.args.length).map((regno) => fn.get(regno));
  fn.set(0, fn.mark(fn.m.call(target, [fn.cpu(), ...args], fn.env.b.i64), pc));
}

function libFunction(fn: Fn, pc: number, name: string): string {
  const target = fn.env.libFunction(helperImpl(name, fn.env.options.frames ?? "xdp"));
  if (target === undefined)
    throw new BpfError("EOPNOTSUPP", `${pc}: helper bpf_${name} is not available here`);
  return target;
}

/** Bounds compare and a multiplication: all elements of an array exist. */
function lowerArrayLookup(fn: Fn, map: MapBinding, aux: CallAux, pc: number): boolean {
  const { m } = fn;
  if (map.def.type !== "array" && map.def.type !== "percpu_array") return false;
  const { maxEntries } = map.def;
  const own = (value: Expr): Expr =>
    map.percpuStride === 0 ? value : m.i32.add(value, scale(fn, cpuIndex(fn), map.percpuStride));
  if (aux.constKey !== undefined) {
    const key = aux.constKey >>> 0;
    const value = firstValue(map) + key * map.elemStride;
    fn.set32(0, key < maxEntries ? own(m.i32.const(value | 0)) : m.i32.const(0));
    return true;
  }
  const [word] = keyWords(fn, pc, map) ?? [];
  const key = word === undefined ? m.i32.load(0, 1, fn.get32(2)) : m.i32.wrap(word);
  fn.push(fn.setTemp("index", "i32", key));
  const index = (): Expr => fn.getTemp("index", "i32");
  const found = own(m.i32.add(m.i32.const(firstValue(map) | 0), scale(fn, index(), map.elemStride)));
  fn.set32(0, m.if(m.i32.lt_u(index(), m.i32.const(maxEntries | 0)), found, m.i32.const(0)));
  return true;
}

function cpuIndex(fn: Fn): Expr {
  return fn.m.i32.load(CPU_INDEX, 4, fn.cpu());
}

function scale(fn: Fn, index: Expr, stride: number): Expr {
  const { i32 } = fn.m;
  return isPowerOfTwo(stride)
    ? i32.shl(index, i32.const(Math.log2(stride)))
    : i32.mul(index, i32.const(stride));
}

function isPowerOfTwo(value: number): boolean {
  return value > 0 && Number.isInteger(Math.log2(value));
}

/** `<type>_lookup_words<n>(map, word..., cpu)`. */
function lowerWordLookup(fn: Fn, map: MapBinding, pc: number): boolean {
  const { m, env } = fn;
  const words = keyWords(fn, pc, map);
  const target = env.libFunction(`${map.def.type}_lookup_words${words?.length}`);
  if (words === undefined || target === undefined) return false;
  fn.set32(0, m.call(target, [m.i32.const(map.address | 0), ...words, fn.cpu()], env.b.i32));
  return true;
}

/** `<type>_lookup(map, key, cpu)`, `<type>_update(map, key, value, flags, cpu)`, `<type>_delete(map, key, cpu)`. */
function lowerTypedCall(fn: Fn, map: MapBinding, op: "lookup" | "update" | "delete"): boolean {
  const { m, env } = fn;
  const name = `${map.def.type}_${op}`;
  // lookups of the two common key sizes have entries of their own
  const sized = op === "lookup" ? env.libFunction(`${name}${map.def.keySize}`) : undefined;
  const target = sized ?? env.libFunction(name);
  if (target === undefined) return false;
  const head = [m.i32.const(map.address | 0), fn.get32(2)];
  if (op === "lookup") fn.set32(0, m.call(target, [...head, fn.cpu()], env.b.i32));
  else if (op === "update") fn.set(0, m.call(target, [...head, fn.get32(3), fn.get(4), fn.cpu()], env.b.i64));
  else fn.set(0, m.call(target, [...head, fn.cpu()], env.b.i64));
  return true;
}

function lowerSubprogCall(fn: Fn, pc: number, target: number): void {
  const { m, env } = fn;
  const subprogno = env.subprogs.findIndex((subprog) => subprog.start === target);
  if (subprogno === -1) throw new Error(`${pc}: no subprog starts at ${target}`);
  const args = [fn.cpu(), fn.calleeFp(), ...ARG_REGS.map((regno) => fn.get(regno))];
  fn.set(0, m.call(env.subprogName(subprogno), args, env.b.i64));
  if (env.throwing.has(subprogno)) passThrown(fn);
}

/**
 * Jumps into another program, whose frame replaces this one; falls through if the index is out of range, the
 * limit is reached or the slot is empty. Only a jump that happens counts, as in the kernel's JIT.
 */
function lowerTailCall(fn: Fn, pc: number): void {
  const { m, env } = fn;
  const { i32 } = m;
  const constant = env.maps[env.aux?.[pc]?.call?.map ?? -1];
  const header = (field: number, known: number | undefined): Expr =>
    known === undefined ? i32.load(field, 4, fn.get32(2)) : i32.const(known | 0);
  const index = (): Expr => fn.get32(3);
  const count = (): Expr => i32.load(CPU_TAIL_CALLS, 4, fn.cpu());

  const slots = i32.add(fn.get32(2), header(MAP_ELEMS_OFF, constant?.elemsOff));
  const slot = i32.atomic.load(0, i32.add(slots, scale(fn, index(), PROG_SLOT_SIZE)));
  const inRange = i32.lt_u(index(), header(MAP_MAX_ENTRIES, constant?.def.maxEntries));
  const allowed = i32.lt_u(count(), i32.const(MAX_TAIL_CALL_CNT));
  const filled = m.local.tee(fn.temp("slot", "i32"), slot, env.b.i32);
  const jump = m.return_call_indirect(
    env.table,
    i32.sub(fn.getTemp("slot", "i32"), i32.const(1)),
    [fn.cpu(), fn.fp(), fn.get(1)],
    env.b.createType([env.b.i32, env.b.i32, env.b.i64]),
    env.b.i64,
  );
  const counted = i32.store(CPU_TAIL_CALLS, 4, fn.cpu(), i32.add(count(), i32.const(1)));
  const taken = m.block(null, [counted, fn.mark(jump, pc)], env.b.none);
  fn.push(m.if(i32.and(inRange, allowed), m.if(filled, taken)));
}

/** LD_ABS and LD_IND: the library gives the value in host order, or -1 past the packet, which ends the program with 0. */
function lowerPktLoad(fn: Fn, pc: number, size: number, off: Expr): void {
  const { m, env } = fn;
  const target = libFunction(fn, pc, "ld_abs");
  fn.set(0, fn.mark(m.call(target, [fn.cpu(), fn.get(6), off, fn.imm64(size)], env.b.i64), pc));
  fn.push(m.if(m.i64.lt_s(fn.get(0), fn.imm64(0)), m.return(fn.imm64(0))));
}

export function lowerLdAbs(fn: Fn, insn: InsnOf<"ld_abs">): void {
  lowerPktLoad(fn, insn.pc, insn.size, fn.imm64(insn.imm));
}

export function lowerLdInd(fn: Fn, insn: InsnOf<"ld_ind">): void {
  const { i32, i64 } = fn.m;
  lowerPktLoad(fn, insn.pc, insn.size, i64.extend_s(i32.add(fn.get32(insn.src), i32.const(insn.imm))));
}
