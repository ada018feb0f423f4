// Checked mode: before an access, its address is tested against the regions the verifier named for it. What
// fails is a bug of ours: insn and address go to the CPU block, and the code traps.
import { type Access, type AccessKind, INNER_MAP } from "../../src/verifier/proof.ts";
import {
  CPU_FAULT_ADDR,
  CPU_FAULT_PC,
  CPU_STACK,
  CPU_STACK_TOP,
  WORLD_BASE,
} from "../../runtime/memory/layout.ts";
import { CTX_PLACES, type CtxPlace } from "./abi.ts";
import type { Expr, Fn } from "./fn.ts";
import type { AccessInsn } from "./stack.ts";

const ADDR = "address";

type Inside = (fn: Fn, size: number, access: Access) => Expr;

// biome-ignore format: table
const INSIDE: Record<AccessKind, Inside> = {
  ctx:       (fn, size) => inCpuBlock(fn, size, ctxPlace(fn).start, ctxPlace(fn).end),
  stack:     (fn, size) => inCpuBlock(fn, size, CPU_STACK, CPU_STACK_TOP),
  pkt:       (fn, size) => within(fn, size, cpuField(fn, ctxPlace(fn).data), cpuField(fn, ctxPlace(fn).dataEnd)),
  pkt_meta:  (fn, size) => within(fn, size, cpuField(fn, ctxPlace(fn).dataMeta), cpuField(fn, ctxPlace(fn).data)),
  map_value: (fn, size, access) => any(fn, access.maps.map((index) => inMap(fn, size, index))),
  // keys that for_each passes and memory of global functions may be anywhere that is allocated
  map_key:   (fn) => fn.m.i64.ge_u(address(fn), fn.u32(WORLD_BASE)),
  mem:       (fn) => fn.m.i64.ge_u(address(fn), fn.u32(WORLD_BASE)),
};

function ctxPlace({ env }: Fn): CtxPlace {
  return CTX_PLACES[env.options.frames ?? "xdp"];
}

function address(fn: Fn): Expr {
  return fn.getTemp(ADDR, "i64");
}

function within(fn: Fn, size: number, start: Expr, end: Expr): Expr {
  const { m } = fn;
  const below = m.i64.le_u(m.i64.add(address(fn), fn.imm64(size)), end);
  return m.i32.and(m.i64.ge_u(address(fn), start), below);
}

function inCpuBlock(fn: Fn, size: number, start: number, end: number): Expr {
  const { m } = fn;
  const at = (off: number): Expr => m.i64.extend_u(m.i32.add(fn.cpu(), m.i32.const(off)));
  return within(fn, size, at(start), at(end));
}

function cpuField(fn: Fn, off: number): Expr {
  return fn.m.i64.load32_u(off, 4, fn.cpu());
}

/** Inside the elements, and inside one value of one CPU. */
function inMap(fn: Fn, size: number, index: number): Expr {
  const { m, env } = fn;
  // a map found in another map may be anywhere that is allocated
  if (index === INNER_MAP) return m.i64.ge_u(address(fn), fn.u32(WORLD_BASE));
  const map = env.maps[index];
  if (map === undefined) throw new Error(`no map #${index}`);
  const { def, address: start, elemsOff, elemStride, valueOff, percpuStride, totalSize } = map;
  if (def.valueSize < size) return m.i32.const(0);
  const inBlock = within(fn, size, fn.u32(start + elemsOff), fn.u32(start + totalSize));
  const inElem = (): Expr =>
    m.i64.rem_u(m.i64.sub(address(fn), fn.u32(start + elemsOff)), fn.u32(elemStride));
  const ofCpus = m.i64.sub(inElem(), fn.u32(valueOff));
  const inValue = percpuStride === 0 ? ofCpus : m.i64.rem_u(ofCpus, fn.u32(percpuStride));
  const pastKey = m.i64.ge_u(inElem(), fn.u32(valueOff));
  return m.i32.and(m.i32.and(inBlock, pastKey), m.i64.le_u(inValue, fn.u32(def.valueSize - size)));
}

function any(fn: Fn, tests: readonly Expr[]): Expr {
  return tests.reduce((all, test) => fn.m.i32.or(all, test), fn.m.i32.const(0));
}

/** In checked mode, tests the address of an access. */
export function lowerCheck(fn: Fn, insn: AccessInsn): void {
  const { m, env } = fn;
  const access = env.aux?.[insn.pc]?.access;
  if (!env.options.checked || access === undefined) return;
  fn.push(fn.setTemp(ADDR, "i64", m.i64.add(fn.get(insn.base), fn.imm64(insn.off))));
  const inside = any(
    fn,
    access.kinds.map((kind) => INSIDE[kind](fn, insn.size, access)),
  );
  fn.push(m.if(m.i32.eqz(m.i32.and(inside, atClaimedSlot(fn, access))), fault(fn, insn.pc)));
}

/** A constant stack offset must be the one the verifier saw: a local may stand for it. */
function atClaimedSlot(fn: Fn, access: Access): Expr {
  const { m } = fn;
  const { fpOff } = access;
  if (fpOff === undefined || access.fpDepth !== 0 || access.kinds.join() !== "stack") return m.i32.const(1);
  return m.i64.eq(address(fn), m.i64.add(fn.get(10), fn.imm64(fpOff)));
}

function fault(fn: Fn, pc: number): Expr {
  const { m, env } = fn;
  return m.block(
    null,
    [
      m.i32.store(CPU_FAULT_PC, 4, fn.cpu(), m.i32.const(pc + 1)),
      m.i64.store(CPU_FAULT_ADDR, 8, fn.cpu(), address(fn)),
      fn.mark(m.unreachable(), pc),
    ],
    env.b.none,
  );
}
