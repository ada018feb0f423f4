// Records scalar_kernel.jsonl on the running kernel, or with --check only compares fresh random programs.
//   tsx test/verifier/scalar_record.ts LOADER SEED COUNT [--check] > test/verifier/scalar_kernel.jsonl
// LOADER is scalar_load.c built; needs root. Lines: the kernel's release, then a case each.
import { execFileSync } from "node:child_process";
import { release } from "node:os";
import { caseOf, compare, type KernelCase } from "./scalar_compare.ts";
import { parseLog } from "./scalar_log.ts";
import { encode, PROLOGUE } from "./scalar_program.ts";
import { lcg, randomProgram } from "./scalar_random.ts";

const [loader = "", seed = "1", count = "100", mode] = process.argv.slice(2);

function record(): KernelCase[] {
  const rand = lcg(Number(seed));
  const progs = Array.from({ length: Number(count) }, () => randomProgram(rand, 4 + (rand() % 12)));
  const input = `${progs.map(encode).join("\n")}\n`;
  const out = execFileSync(loader, { input, maxBuffer: 2 ** 30 }).toString();
  const parts = out.split(/^=== (-?\d+)\n/m);
  return progs.flatMap((ops, i) => {
    const log = parts[2 * i] ?? "";
    if (parts[2 * i + 1] !== "0") throw new Error(`program ${i} was refused:\n${log}`);
    // The kernel walks and/or twice for some values; that is not about scalars.
    if (/^from (\d+) to \1:/m.test(log)) return [];
    const states = parseLog(log);
    return states.after.has(PROLOGUE) ? [caseOf(ops, states)] : [];
  });
}

/** Without the ops that the kernel did not reach. */
function trimmed(c: KernelCase): KernelCase {
  const end = c.want.findIndex((w) => w.line === undefined);
  return end < 0 ? c : { ops: c.ops.slice(0, end), want: c.want.slice(0, end) };
}

const cases = record();
if (mode === "--check") {
  const bad = cases.map(compare).filter((text) => text !== undefined);
  const ops = cases.reduce((n, c) => n + trimmed(c).ops.length, 0);
  console.log(bad.slice(0, 20).join("\n"));
  console.log(`${cases.length} programs, ${ops} ops reached, ${bad.length} differ`);
} else {
  console.log(JSON.stringify({ release: release(), programs: cases.length }));
  for (const c of cases) console.log(JSON.stringify(trimmed(c)));
}
