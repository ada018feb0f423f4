// The running kernel's verdict on a program of ours beside our own: accepted or not, errno, last words, insns walked.
import { availableParallelism } from "node:os";
import { BpfSys, lastWords, LOG_STATS, type ProgLoad } from "../../runtime/engine/kernel/sys.ts";
import { encodeInsns } from "../../src/isa/encode.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { errnoName } from "../../src/spec/errors.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";
import { attachTypeId, progTypeId } from "../../src/spec/prog_types.ts";
import type { MapDef, Prog, VerifiedProg } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { loadStaticFuncs, staticFuncs } from "../harness/static_funcs.ts";

export interface Verdict {
  /** errno's name, "" = accepted */
  readonly code: string;
  readonly words: string;
  readonly processed: number;
}

export const KINDS = ["we accept", "we refuse", "errno", "words", "processed"] as const;
/** In what two verdicts differ. */
export type Kind = (typeof KINDS)[number];

/**
 * The kernel counts insns anew after it has cut out what is dead, and where it gives up it has not ended the line of the
 * last insn; some of its words end no line either.
 */
function sameWords(kernelWords: string, ours: string): boolean {
  const kernel = kernelWords.replace(/processed \d+ insns \(limit .*$/, "");
  if (ours.startsWith("BPF program is too large")) return kernel.endsWith(ours);
  return kernel === ours || (/No program to jit/.test(kernel) && /No program to jit/.test(ours));
}

export function differs(kernel: Verdict, ours: Verdict): Kind | undefined {
  if (kernel.code !== "" && ours.code === "") return "we accept";
  if (kernel.code === "" && ours.code !== "") return "we refuse";
  if (kernel.code !== ours.code) return "errno";
  if (!sameWords(kernel.words, ours.words)) return "words";
  return kernel.processed === ours.processed ? undefined : "processed";
}

const LOG_BYTES = 1 << 24;
const PROCESSED = /^processed (\d+) insns/m;

/** What programs name, in the running kernel. */
export interface KernelWorld {
  readonly sys: BpfSys;
  /** descriptors, by index in Prog.maps */
  readonly maps: readonly number[];
  readonly license: string;
  /** the types and functions a program is loaded with; undefined: none */
  readonly funcs: (prog: Prog) => ProgLoad["funcs"];
}

/** Plain maps, every function a static one. */
function plainWorld(maps: readonly MapDef[], mayLoadTypes: boolean): KernelWorld {
  const sys = new BpfSys("verdicts");
  const btf = mayLoadTypes ? loadStaticFuncs(sys) : undefined;
  return {
    sys,
    maps: maps.map((m) => {
      const fd = sys.mapCreate({
        name: m.name,
        type: MAP_TYPES[m.type].id,
        keySize: m.keySize,
        valueSize: m.valueSize,
        maxEntries: m.maxEntries,
        flags: m.flags,
        mapExtra: 0n,
        numaNode: 0,
      });
      if (m.frozen === undefined) return fd;
      sys.mapUpdate(fd, new Uint8Array(4), m.frozen);
      sys.mapFreeze(fd);
      return fd;
    }),
    license: "GPL",
    funcs: (prog) => (prog.funcs.length > 1 && btf !== undefined ? staticFuncs(prog, btf) : undefined),
  };
}

/** BPF_PROG_LOAD's flags by their names in section names and annotations. */
const LOAD_FLAGS: Readonly<Record<string, number>> = {
  strict_alignment: 1,
  any_alignment: 2,
  test_state_freq: 8,
  sleepable: 16,
  frags: 32,
};

export class KernelVerdicts {
  readonly #counts = new Uint8Array(1 << 16);
  #log: Uint8Array | undefined;

  constructor(readonly world: KernelWorld) {}

  static plain(maps: readonly MapDef[], mayLoadTypes = true): KernelVerdicts {
    return new KernelVerdicts(plainWorld(maps, mayLoadTypes));
  }

  #withFd(insn: Insn | undefined): Insn | undefined {
    if (insn?.kind !== "ld_imm64") return insn;
    const { value } = insn;
    if (value.kind !== "map" && value.kind !== "map_value") return insn;
    const fd = this.world.maps[value.map] ?? -1;
    return {
      ...insn,
      value: value.kind === "map" ? { kind: "map_fd", fd } : { kind: "map_value_fd", fd, off: value.off },
    };
  }

  #load(prog: Prog): ProgLoad {
    const funcs = this.world.funcs(prog);
    const { expectedAttachType: attach, attachBtfId } = prog;
    return {
      name: prog.name,
      type: progTypeId(prog.type),
      expectedAttachType: attach === undefined ? 0 : attachTypeId(attach),
      flags: prog.flags.reduce((sum, flag) => sum | (LOAD_FLAGS[flag] ?? 0), 0),
      license: this.world.license,
      insns: encodeInsns(prog.insns.map((insn) => this.#withFd(insn))),
      ...(attachBtfId === undefined ? {} : { attachBtfId }),
      ...(funcs === undefined ? {} : { funcs }),
    };
  }

  /** Gives the maps back. */
  close(): void {
    for (const fd of this.world.maps) this.world.sys.close(fd);
  }

  of(prog: Prog): Verdict {
    const load = this.#load(prog);
    const { result, log } = this.world.sys.progTry(load, LOG_STATS, this.#counts);
    if (result >= 0) this.world.sys.close(result);
    const processed = Number(PROCESSED.exec(Buffer.from(log).toString("latin1"))?.[1] ?? -1);
    if (result >= 0) return { code: "", words: "", processed };
    return { code: errnoName(result) ?? `${result}`, words: lastWords(this.#words(load, 1)), processed };
  }

  #words(load: ProgLoad, level: number): Uint8Array {
    this.#log ??= new Uint8Array(LOG_BYTES);
    const { result, log } = this.world.sys.progTry(load, level, this.#log);
    if (result >= 0) this.world.sys.close(result);
    return log;
  }

  /** The whole log at a level. */
  log(prog: Prog, level: number): string {
    const log = this.#words(this.#load(prog), level);
    return Buffer.from(log.subarray(0, log.indexOf(0))).toString("utf8");
  }
}

/**
 * The lines of a log, as both sides write them: without addresses and times, without empty lines, without the numbers
 * of components of insns, in which a call that calls back is one here.
 */
export function logLines(log: string): string[] {
  return log
    .split("\n")
    .map((line) =>
      line
        .replace(/\(18\) r(\d) = 0x[0-9a-f]+/, "(18) r$1 = …")
        .replace(/^ *\d+ (?= *\d+: [.0-9]{10} )/, "")
        .replace(/\s+/g, " ")
        .replace(" ;", ";")
        .trim(),
    )
    .filter((line) => line !== "" && !/^(verification time|stack depth) /.test(line));
}

const CPUS = availableParallelism();

/** Our whole log at a level. */
export function ourLog(prog: Prog, level: 1 | 2, caps: readonly Capability[] = CAPABILITIES): string {
  try {
    return verify(prog, { logLevel: level, cpus: CPUS, caps }).log.join("\n");
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return e.log.join("\n");
  }
}

/** Ours, in the same form. */
export function ourVerdict(prog: Prog, caps: readonly Capability[] = CAPABILITIES): Verdict {
  const { code, words, processed } = ourVerified(prog, caps);
  return { code, words, processed };
}

/** The same, and the program if it is accepted. */
export function ourVerified(
  prog: Prog,
  caps: readonly Capability[] = CAPABILITIES,
): Verdict & { readonly verified?: VerifiedProg } {
  try {
    const verified = verify(prog, { logLevel: 0, cpus: CPUS, caps });
    return { code: "", words: "", processed: verified.stats.processed, verified };
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return { code: e.code, words: e.reasons.at(-1) ?? "", processed: e.stats.processed };
  }
}
