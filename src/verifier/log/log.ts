// The verifier's log in the kernel's format: lines, states, source. Decides how facts are spelled; changes none.
import { fmtInsn } from "../../isa/disasm.ts";
import type { Insn } from "../../isa/insn.ts";
import { HELPERS } from "../../spec/helpers.ts";
import type { LineInfo } from "../../elf/object_spec.ts";
import type { MapDef } from "../proof.ts";
import { NON_OWN_REF, type RegState, isPkt, regTypeStr } from "../state/regs.ts";
import { fmtScalarAttrs, fmtSnum, fmtUnum } from "../scalar/fmt.ts";
import { byteAt, BYTE_INVALID, BYTE_SPILL, type StackObject, type StackSlot } from "../state/stack.ts";
import type { Frame, Ref } from "../state/state.ts";

/** Beyond this many lines the oldest half goes, so that a rejection after a million insns keeps its end. */
const MAX_LINES = 200_000;

/**
 * Where no line is taken back, this many become one string: a collector that looks at each of 200,000 lines takes
 * longer than everything else.
 */
const PACKED = 500;
/** What no line contains: names and sources are C strings. */
const SEPARATOR = "\0";

export class VerifierLog {
  /** all but the latest, packed */
  private packs: string[] = [];
  private latest: string[] = [];
  private dropped = 0;
  private prevLine: LineInfo | undefined = undefined;
  /** length of the insn line just written, 0 if something was written after it */
  private insnLen = 0;

  constructor(public level: 0 | 1 | 2) {}

  get lines(): string[] {
    return this.packs.flatMap((pack) => pack.split(SEPARATOR)).concat(this.latest);
  }

  private get count(): number {
    return PACKED * this.packs.length + this.latest.length;
  }

  /** For `reset`: where the log stands. */
  get pos(): number {
    return this.count + this.dropped;
  }

  /** Takes back everything after `pos`; not at level 2. */
  reset(pos: number): void {
    this.latest.length = Math.max(0, Math.min(this.latest.length, pos - this.dropped));
    this.insnLen = 0;
  }

  line(text: string): void {
    this.insnLen = 0;
    if (this.level === 2 && this.latest.length === PACKED) this.pack();
    this.latest.push(text);
    if (this.count > MAX_LINES) this.dropHalf();
  }

  private pack(): void {
    this.packs.push(this.latest.join(SEPARATOR));
    this.latest = [];
  }

  private dropHalf(): void {
    if (this.level === 2) this.packs.splice(0, MAX_LINES / 2 / PACKED);
    else this.latest.splice(0, MAX_LINES / 2);
    this.dropped += MAX_LINES / 2;
  }

  insn(text: string): void {
    this.line(text);
    this.insnLen = text.length + 1;
  }

  forgetSource(): void {
    this.prevLine = undefined;
  }

  source(info: LineInfo | undefined): void {
    const prev = this.prevLine;
    if (info === undefined || info === prev) return;
    if (prev !== undefined && prev.file === info.file && prev.line === info.line) return;
    this.prevLine = info;
    this.line(`; ${info.text.trimStart()} @ ${info.file.slice(info.file.lastIndexOf("/") + 1)}:${info.line}`);
  }

  /** What changed: behind the insn that changed it, or on its own line. */
  insnState(pc: number, state: string): void {
    const len = this.insnLen;
    const last = this.latest.pop();
    if (len === 0 || last === undefined) {
      if (last !== undefined) this.latest.push(last);
      this.line(`${pc}:${state}`);
      return;
    }
    const width = Math.ceil(Math.max(len + 4, 40) / 8) * 8 - len - 1;
    this.line(`${last}${" ".repeat(width)};${state}`);
  }
}

function helperName(id: number): string | undefined {
  const row = HELPERS[id];
  return row === undefined ? undefined : `bpf_${row.name}`;
}

const NO_ADDRESS = { kind: "imm", imm: 0n } as const;

/** The insn with its opcode in front, as the log prints it; with `addresses`, those of maps too. */
export function insnText(
  insn: Insn,
  kfuncs: ReadonlyMap<number, { readonly name: string }>,
  addresses = true,
): string {
  const hidden =
    !addresses && insn.kind === "ld_imm64" && (insn.value.kind === "map" || insn.value.kind === "map_value");
  return fmtInsn(hidden ? { ...insn, value: NO_ADDRESS } : insn, {
    code: true,
    helperName,
    kfuncName: (id) => kfuncs.get(id)?.name,
  });
}

function fmtMap(map: MapDef | undefined): string {
  if (map === undefined) return "";
  const name = map.name === "" ? "" : `map=${map.name},`;
  return `${name}ks=${map.keySize},vs=${map.valueSize}`;
}

/** Signed with its sign always there. */
function fmtDelta(n: number): string {
  return n < 0 ? `${n}` : `+${n}`;
}

function btfTypeName(r: RegState): string {
  return r.btf?.byId(r.aux).name ?? "";
}

function fmtReg(r: RegState, frame: Frame, maps: readonly MapDef[], precise: boolean): string {
  const p = precise && r.kind === "scalar" ? "P" : "";
  if (r.kind === "scalar" && r.s.isConst) return p + fmtSnum(r.s.smin);
  let out = p + regTypeStr(r);
  if (r.kind === "fp") {
    if (frame.frameno !== r.aux) out += `[${r.aux}]`;
    if (r.s.isConst) return out + fmtSnum(BigInt.asIntN(64, r.s.value + BigInt(r.off)));
  }
  if (r.kind === "ptr_") out += btfTypeName(r);
  const parts: string[] = [];
  if (r.id !== 0) parts.push(`id=${r.id}${r.addConst ? fmtDelta(r.off) : ""}`);
  if (r.refId !== 0) parts.push(`ref_obj_id=${r.refId}`);
  if (r.is(NON_OWN_REF)) parts.push("non_own_ref");
  if (r.kind === "map_ptr" || r.kind === "map_value" || r.kind === "map_key") parts.push(fmtMap(maps[r.aux]));
  if (r.kind !== "scalar" && r.off !== 0) parts.push(`off=${fmtSnum(BigInt(r.off))}`);
  if (isPkt(r)) parts.push(`r=${fmtUnum(BigInt.asUintN(64, BigInt(r.aux)))}`);
  if (r.kind === "mem") parts.push(`sz=${fmtUnum(BigInt(r.aux))}`);
  if (r.s.isConst) {
    if (!r.s.isZero) parts.push(`imm=${fmtSnum(r.s.smin)}`);
  } else {
    parts.push(...fmtScalarAttrs(r.s));
  }
  return `${out}(${parts.filter((x) => x !== "").join(",")})`;
}

const SLOT_CHARS = ["?", "r", "m", "0", "d", "i", "f"] as const;

/** Objects of several slots are written once, at the slot that names the whole. */
function fmtObject(object: StackObject): string | undefined {
  switch (object.kind) {
    case "dynptr": {
      if (!object.first) return undefined;
      const ids = [
        object.id !== 0 ? `id=${object.id}` : "",
        object.refId !== 0 ? `ref_id=${object.refId}` : "",
        "dynptr_id=1", // so the kernel shows that this is the first of the two slots
      ].filter((x) => x !== "");
      return `dynptr_${object.type}(${ids.join(",")})`;
    }
    case "iter":
      if (object.refId === 0) return undefined;
      return `iter_${object.name}(ref_id=${object.refId},state=${object.state},depth=${object.depth})`;
    case "irq":
      return "f".repeat(8);
  }
}

function fmtRefs(refs: readonly Ref[]): string {
  if (refs[0] === undefined || refs[0].id === 0) return "";
  return ` refs=${refs
    .map((r) => r.id)
    .filter((id) => id !== 0)
    .join(",")}`;
}

function fmtSlot(
  slot: StackSlot,
  spi: number,
  frame: Frame,
  maps: readonly MapDef[],
  precise: boolean,
): string | undefined {
  if (slot.object !== undefined) {
    const object = fmtObject(slot.object);
    return object === undefined ? undefined : ` fp${(-spi - 1) * 8}=${object}`;
  }
  let types = "";
  let valid = false;
  for (let i = 0; i < 8; i++) {
    const b = byteAt(slot, i);
    if (b !== BYTE_INVALID) valid = true;
    if (slot.spilled !== undefined && b === BYTE_SPILL) break;
    types += SLOT_CHARS[b] ?? "?";
  }
  if (!valid) return undefined;
  const value = slot.spilled === undefined ? "" : fmtReg(slot.spilled, frame, maps, precise);
  return ` fp${(-spi - 1) * 8}=${types}${value}`;
}

/** Registers and slots of a frame; masks choose which (-1: all). */
export function fmtFrame(
  frame: Frame,
  maps: readonly MapDef[],
  regMask: number,
  slotLo: number,
  slotHi: number,
  refs: readonly Ref[] = [],
  allPrecise = false,
): string {
  let out = frame.frameno === 0 ? "" : ` frame${frame.frameno}:`;
  for (let i = 0; i < 11; i++) {
    const r = frame.regs[i] as RegState;
    if (r.kind === "?" || (regMask & (1 << i)) === 0) continue;
    out += ` R${i}=${fmtReg(r, frame, maps, allPrecise || (frame.preciseRegs & (1 << i)) !== 0)}`;
  }
  for (let spi = 0; spi < frame.stack.length; spi++) {
    const slot = frame.stack[spi];
    const wanted = spi < 32 ? (slotLo >>> spi) & 1 : (slotHi >>> (spi - 32)) & 1;
    if (slot === undefined || wanted === 0) continue;
    out += fmtSlot(slot, spi, frame, maps, allPrecise || frame.preciseSlots.has(spi)) ?? "";
  }
  out += fmtRefs(refs);
  if (frame.inCallback) out += " cb";
  if (frame.inAsyncCallback) out += " async_cb";
  return out;
}
