// Which packets go to `--out`: those of the verdicts named, by the words of the program's type; else those that go on.
import type { ProgTypeName } from "../spec/prog_types.ts";
import { RUN_TYPES, type RunType, type Verdict, verdictClasses } from "../spec/run_types.ts";
import { UsageError } from "./command.ts";

const PREFIX = /^(XDP_|TC_ACT_|BPF_)/;

function maskOf(run: RunType, leaves: (verdict: Verdict) => boolean): number {
  return verdictClasses(run).reduce((mask, verdict, i) => (leaves(verdict) ? mask | (1 << i) : mask), 0);
}

const shortName = (name: string): string => name.trim().toUpperCase().replace(PREFIX, "");

/** Bit n: packets of verdict class n. */
export function parseOutMask(type: ProgTypeName, out: string | undefined, list: string | undefined): number {
  const run = RUN_TYPES[type];
  if (run === undefined) return 0;
  if (run.frames === "flow" && out !== undefined)
    throw new UsageError(`run: --out: programs of type ${type} leave keys, and no packets`);
  if (list === undefined) return maskOf(run, ({ leaves }) => leaves);
  const known = new Set(run.verdicts.flatMap(({ name }) => (name === undefined ? [] : [shortName(name)])));
  if (known.size === 0)
    throw new UsageError(`run: --out-verdict: programs of type ${type} return no verdicts with names`);
  const wanted = new Set<string>();
  for (const name of list.split(",")) {
    const key = shortName(name);
    if (!known.has(key))
      throw new UsageError(`run: --out-verdict knows ${[...known].join(", ")}, not '${name}'`);
    wanted.add(key);
  }
  return maskOf(run, ({ name }) => name !== undefined && wanted.has(shortName(name)));
}
