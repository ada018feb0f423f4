// Records ctx_kernel.jsonl on the running kernel: every access to every context.
//   tsx test/verifier/ctx_record.ts LOADER > test/verifier/ctx_kernel.jsonl
// LOADER is prog_load.c built; needs root.
import { release } from "node:os";
import type { Size } from "../../src/isa/insn.ts";
import { loadInKernel, type KernelProg, type KernelVerdict } from "./kernel_load.ts";
import { KERNEL_MAPS } from "./kernel_maps.ts";
import {
  accessProgram,
  type CtxVariant,
  flagsOf,
  KINDS,
  MODES,
  offsetsOf,
  POINTERS,
  refusalOf,
  VARIANTS,
  WIDTHS,
  widthsOf,
} from "./ctx_programs.ts";

const [loader = ""] = process.argv.slice(2);

/** Refusals with other words than the usual: offset, width, mode, errno, words. */
type Odd = readonly [off: number, size: number, mode: string, errno: number, words: string];

function prog(v: CtxVariant, insns: KernelProg["insns"]): KernelProg {
  return { type: v.type, attach: v.attach, insns, flags: flagsOf(v) };
}

function letter({ words }: KernelVerdict): string {
  const kind = /^[a-z_]+/.exec(words)?.[0];
  const found = KINDS[kind ?? ""];
  if (found === undefined) throw new Error(`no letter for: ${words}`);
  return found;
}

function record(v: CtxVariant): { access: string; odd: Odd[] } {
  const offs = offsetsOf(v);
  const asked = offs.flatMap((off) => MODES.flatMap((mode) => WIDTHS.map((size) => ({ off, mode, size }))));
  const tried = asked.filter((a) => a.mode !== "load_signed" || a.size < 8);
  const verdicts = loadInKernel(
    loader,
    tried.map((a) => prog(v, accessProgram(v, a.mode, a.off, a.size))),
    { maps: KERNEL_MAPS },
  );
  const masks = new Map<string, number>();
  const odd: Odd[] = [];
  tried.forEach((a, i) => {
    const { errno, words } = verdicts[i] as KernelVerdict;
    const key = `${a.off} ${a.mode}`;
    if (errno === 0) masks.set(key, (masks.get(key) ?? 0) | a.size);
    else if (errno !== 13 || words !== refusalOf(v, a.mode, a.off, a.size))
      odd.push([a.off, a.size, a.mode, errno, words]);
  });
  // of a pointer nothing is loaded but numbers
  const loads = v.pointer !== undefined ? [] : offs.filter((off) => (masks.get(`${off} load`) ?? 0) !== 0);
  const kinds = loadInKernel(
    loader,
    loads.map((off) =>
      prog(v, accessProgram(v, "load", off, widthsOf(masks.get(`${off} load`) ?? 0).at(-1) as Size)),
    ),
    { show: "r2" },
  );
  const letters = new Map(loads.map((off, i) => [off, letter(kinds[i] as KernelVerdict)]));
  const access = offs
    .map(
      (off) =>
        MODES.map((m) => (masks.get(`${off} ${m}`) ?? 0).toString(16)).join("") + (letters.get(off) ?? "-"),
    )
    .join("");
  return { access, odd };
}

console.log(JSON.stringify({ release: release() }));
for (const v of [...VARIANTS, ...POINTERS]) console.log(JSON.stringify({ ...v, ...record(v) }));
