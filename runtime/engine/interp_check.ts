// Checked mode of the interpreter: before an access, its address is held against the regions that the verifier
// named for it. What fails is a bug of ours. The same regions as the JIT's check, written a second time on purpose.
import type { MapBinding } from "../../jit/compile.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { type Access, type AccessKind, INNER_MAP, type VerifiedProg } from "../../src/verifier/proof.ts";
import { type FrameKind, RUN_TYPES } from "../../src/spec/run_types.ts";
import {
  CPU_CTX,
  CPU_CTX_DATA,
  CPU_CTX_DATA_END,
  CPU_CTX_DATA_META,
  CPU_CTX_SIZE,
  CPU_SKB,
  CPU_SKB_SIZE,
  CPU_STACK,
  CPU_STACK_TOP,
  SKB_DATA,
  SKB_DATA_END,
  SKB_DATA_META,
  WORLD_BASE,
} from "../memory/layout.ts";
import type { InterpEnv } from "./interp.ts";
import { type Frame, InterpTrap } from "./interp_insn.ts";

interface Site {
  readonly at: bigint;
  readonly size: number;
  readonly cpu: number;
  readonly view: DataView;
  readonly maps: readonly (MapBinding | undefined)[];
  readonly frames: FrameKind;
}

function within({ at, size }: Site, start: number, end: number): boolean {
  return at >= BigInt(start) && at + BigInt(size) <= BigInt(end);
}

const field = ({ view, cpu }: Site, off: number): number => view.getUint32(cpu + off, true);

/** Inside the elements, and inside one value of one CPU. */
function inMap(site: Site, map: MapBinding | undefined): boolean {
  if (map === undefined) return false;
  const first = map.address + map.elemsOff;
  if (!within(site, first, map.address + map.totalSize)) return false;
  const ofCpus = ((Number(site.at) - first) % map.elemStride) - map.valueOff;
  const inValue = map.percpuStride === 0 ? ofCpus : ofCpus % map.percpuStride;
  return inValue >= 0 && inValue + site.size <= map.def.valueSize;
}

/** The packet as the program's context has it. */
function pktWords(site: Site): { data: number; dataEnd: number; dataMeta: number } {
  return site.frames === "xdp"
    ? {
        data: field(site, CPU_CTX_DATA),
        dataEnd: field(site, CPU_CTX_DATA_END),
        dataMeta: field(site, CPU_CTX_DATA_META),
      }
    : {
        data: field(site, CPU_SKB + SKB_DATA),
        dataEnd: field(site, CPU_SKB + SKB_DATA_END),
        dataMeta: field(site, CPU_SKB + SKB_DATA_META),
      };
}

const INSIDE: Record<AccessKind, (site: Site, access: Access) => boolean> = {
  ctx: (site) =>
    site.frames === "xdp"
      ? within(site, site.cpu + CPU_CTX, site.cpu + CPU_CTX + CPU_CTX_SIZE)
      : within(site, site.cpu + CPU_SKB, site.cpu + CPU_SKB + CPU_SKB_SIZE),
  stack: (site) => within(site, site.cpu + CPU_STACK, site.cpu + CPU_STACK_TOP),
  pkt: (site) => within(site, pktWords(site).data, pktWords(site).dataEnd),
  pkt_meta: (site) => within(site, pktWords(site).dataMeta, pktWords(site).data),
  map_value: (site, access) =>
    access.maps.some((map) =>
      map === INNER_MAP ? site.at >= BigInt(WORLD_BASE) : inMap(site, site.maps[map]),
    ),
  // keys that for_each passes and memory of global functions may be anywhere that is allocated
  map_key: ({ at }) => at >= BigInt(WORLD_BASE),
  mem: ({ at }) => at >= BigInt(WORLD_BASE),
};

/** A constant stack offset must be the one the verifier saw. */
function isClaimedSlot(at: bigint, access: Access, frame: Frame): boolean {
  if (access.fpOff === undefined || access.fpDepth !== 0 || access.kinds.join() !== "stack") return true;
  return at === BigInt.asUintN(64, (frame.regs[10] ?? 0n) + BigInt(access.fpOff));
}

/** A hook for `onStep` that traps before an access outside of what was claimed, and at insns never reached. */
export function accessCheck(
  { aux, prog }: VerifiedProg,
  maps: readonly (MapBinding | undefined)[],
  cpu: number,
  buffer: ArrayBufferLike,
): NonNullable<InterpEnv["onStep"]> {
  const view = new DataView(buffer);
  const frames = RUN_TYPES[prog.type]?.frames ?? "xdp";
  return (insn: Insn, frame: Frame) => {
    if (aux[insn.pc]?.seen !== true) throw new InterpTrap(insn.pc, "the verifier never came here");
    const access = aux[insn.pc]?.access;
    if (!("base" in insn) || access === undefined) return;
    const at = BigInt.asUintN(64, (frame.regs[insn.base] ?? 0n) + BigInt(insn.off));
    const site: Site = { at, size: insn.size, cpu, view, maps, frames };
    const inside =
      access.kinds.some((kind) => INSIDE[kind](site, access)) && isClaimedSlot(at, access, frame);
    if (!inside)
      throw new InterpTrap(insn.pc, `access at 0x${at.toString(16)} is not in ${access.kinds.join(" or ")}`);
  };
}
