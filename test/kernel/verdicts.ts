// What the running kernel says of the programs of an object: asked through verdicts.c, which is built on the way.
// Knows nothing of our verifier.
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ROOT } from "./recordings.ts";

/** One program's: the errno is 0 where it was accepted. */
export interface Verdict {
  readonly prog: string;
  readonly sec: string;
  readonly errno: number;
  /** the kernel's last words on a refusal, else "" */
  readonly message: string;
  readonly processed: number;
  readonly totalStates: number;
  readonly peakStates: number;
}

interface Answer {
  readonly prog: string;
  readonly sec: string;
  readonly errno: number;
  readonly tail: string;
}

/** The path of the built loader; throws where there is no C compiler or no libbpf. */
export function buildLoader(): string {
  const path = join(mkdtempSync(join(tmpdir(), "softirq-verdicts-")), "verdicts");
  const source = join(ROOT, "test/kernel/verdicts.c");
  execFileSync("cc", ["-O1", "-o", path, source, "-lbpf"], { stdio: ["ignore", "ignore", "pipe"] });
  return path;
}

/** lines of a verifier log that are no verdict: register states, insns, statistics */
const NO_VERDICT =
  /^(cur state|old state|R\d+=|R\d+_w=|frame\d|from \d|stack depth|verification time|\d+: |; |mark_precise|max_states)/;

function toVerdict({ prog, sec, errno, tail }: Answer): Verdict {
  // some of the kernel's messages lack their line end, or do not start a line
  const lines = tail
    .trimEnd()
    .replace(/(?<=.)processed (?=\d+ insns)/, "\nprocessed ")
    .replace(/(?<=.)infinite loop detected (?=at insn \d+\n)/, "\ninfinite loop detected ")
    .split("\n");
  const end = lines.findLastIndex((line) => line.startsWith("processed "));
  const [, insns, states, peak] =
    /^processed (\d+) insns .* total_states (\d+) peak_states (\d+)/.exec(lines[end] ?? "") ?? [];
  const words = lines
    .slice(0, end < 0 ? lines.length : end)
    .findLast((line) => line !== "" && !NO_VERDICT.test(line));
  return {
    prog,
    sec,
    errno,
    message: errno === 0 ? "" : (words ?? ""),
    processed: Number(insns ?? 0),
    totalStates: Number(states ?? 0),
    peakStates: Number(peak ?? 0),
  };
}

/** Needs the right to use bpf(2). */
export function askKernel(loader: string, object: string): Verdict[] {
  const out = execFileSync(loader, [object], { maxBuffer: 1 << 28, encoding: "utf8" });
  return out
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => toVerdict(JSON.parse(line) as Answer));
}
