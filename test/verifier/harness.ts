// Programs for verifier tests: assembly in the log's spelling and a fixed set of maps.
import { assemble } from "../../src/isa/asm.ts";
import { helperByName } from "../../src/spec/helpers.ts";
import type { MapDef, Prog } from "../../src/verifier/proof.ts";
import { VerifierError, type VerifyOptions, verify } from "../../src/verifier/verify.ts";
import { mapDef } from "../harness/map_def.ts";

/** BPF_F_RDONLY_PROG */
const RDONLY = 128;
const RODATA = new Uint8Array([1, 2, 3, 4, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0]);

export const MAPS: readonly MapDef[] = [
  mapDef("h", "hash", 4, 16, 8),
  mapDef("a", "array", 4, 16, 4),
  mapDef("prog", "prog_array", 4, 4, 4),
  mapDef("perf", "perf_event_array", 4, 4, 4),
  mapDef("dev", "devmap", 4, 4, 4),
  { ...mapDef("ro", "array", 4, 16, 1, RDONLY), frozen: RODATA },
  mapDef("one", "array", 4, 16, 1),
  mapDef("h8", "hash", 8, 8, 8),
  mapDef("box", "array", 4, 64, 1),
  mapDef("ring", "ringbuf", 0, 0, 4096),
];

export function asm(source: string): Prog["insns"] {
  return assemble(source, {
    helperId: (name) => helperByName(name.replace(/^bpf_/, ""))?.id,
    mapIndex: (name) => MAPS.findIndex((m) => m.name === name),
  });
}

/** Every function that is called or whose address is taken has a type. */
function funcsOf(insns: Prog["insns"]): Prog["funcs"] {
  const starts = new Set([0]);
  for (const insn of insns) {
    if (insn?.kind === "call" && insn.callee.kind === "subprog") starts.add(insn.callee.target);
    if (insn?.kind === "ld_imm64" && insn.value.kind === "func") starts.add(insn.value.target);
  }
  return [...starts].map((pc) => ({ pc, typeId: 0 }));
}

export function prog(source: string, extra: Partial<Prog> = {}): Prog {
  const insns = asm(source);
  return {
    name: "test",
    type: "xdp",
    flags: [],
    gplCompatible: true,
    insns,
    maps: MAPS,
    subprogs: [],
    lines: [],
    funcs: funcsOf(insns),
    ...extra,
  };
}

/** "" if accepted, else the first reason. */
export function verdict(
  source: string,
  options: VerifyOptions = {},
): { code: string; reason: string; last: string } {
  try {
    verify(prog(source), { logLevel: 0, ...options });
    return { code: "", reason: "", last: "" };
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return { code: e.code, reason: e.reasons[0] ?? "", last: e.reasons.at(-1) ?? "" };
  }
}
