// For the recorders of this folder: asks the running kernel through prog_load.c, many programs in one go.
import { execFileSync } from "node:child_process";
import { encodeInsns } from "../../src/isa/encode.ts";
import type { Insn } from "../../src/isa/insn.ts";
import { MAP_TYPES } from "../../src/spec/map_types.ts";
import {
  type AttachTypeName,
  attachTypeId,
  type ProgTypeName,
  progTypeId,
} from "../../src/spec/prog_types.ts";
import type { MapDef } from "../../src/verifier/proof.ts";

/** A program for the kernel. */
export interface KernelProg {
  readonly type: ProgTypeName;
  readonly attach: AttachTypeName | undefined;
  readonly insns: readonly (Insn | undefined)[];
  readonly flags?: number;
  readonly attachBtfId?: number;
  readonly license?: string;
}

export interface KernelVerdict {
  /** positive, 0 = accepted */
  readonly errno: number;
  /** the last line before the statistics, or what was asked to be shown */
  readonly words: string;
}

function line(p: KernelProg): string {
  const attach = p.attach === undefined ? 0 : attachTypeId(p.attach);
  const hex = Buffer.from(encodeInsns(p.insns)).toString("hex");
  return `${progTypeId(p.type)} ${attach} ${p.flags ?? 0} ${p.attachBtfId ?? 0} ${p.license ?? "GPL"} ${hex}\n`;
}

function mapArg(m: MapDef): string {
  const contents = Buffer.from(m.frozen ?? []).toString("hex");
  return [m.name, MAP_TYPES[m.type].id, m.keySize, m.valueSize, m.maxEntries, m.flags, contents].join(":");
}

export interface LoadOptions {
  /** the maps that insns name by index */
  readonly maps?: readonly MapDef[];
  /** "r2": what the log first shows in r2; "call": what it shows of r0 after the last call */
  readonly show?: "r2" | "call";
  /** the command that the loader is an argument of, then the loader: for one that may do less */
  readonly under?: readonly string[];
}

/** `loader` is prog_load.c built; needs root. */
export function loadInKernel(
  loader: string,
  progs: readonly KernelProg[],
  { maps = [], show, under = [loader] }: LoadOptions = {},
): KernelVerdict[] {
  const args = [...(show === undefined ? [] : [show]), ...maps.map(mapArg)];
  const [command = loader, ...before] = under;
  const out = execFileSync(command, [...before, ...args], {
    input: progs.map(line).join(""),
    maxBuffer: 2 ** 30,
  }).toString();
  const verdicts = out
    .split("\n")
    .slice(0, -1)
    .map((l) => ({ errno: Number.parseInt(l, 10), words: l.slice(l.indexOf("\t") + 1) }));
  if (verdicts.length !== progs.length)
    throw new Error(`${progs.length} programs, ${verdicts.length} answers from ${loader}`);
  return verdicts;
}
