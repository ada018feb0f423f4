// npm run bench: what packets, map operations, verification and start-up cost, with the running kernel beside it in
// the same minutes. Options: --quick (fewer rounds), --big (peak memory over a capture of 5 GB). Names of parts
// (packets, cpus, maps, verify, start, timers) run these alone; objects (*.o) are taken along by verify.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packets } from "./packets.mjs";
import { maps } from "./maps.mjs";
import { cpus } from "./parallel.mjs";
import { start } from "./start.mjs";
import { verification } from "./verify.mjs";
import { timers } from "./timers.mjs";
import { big } from "./big.mjs";

const quick = process.argv.includes("--quick");
const words = process.argv.slice(2).filter((arg) => !arg.startsWith("--"));
const objects = words.filter((word) => word.endsWith(".o"));
const named = words.filter((word) => !word.endsWith(".o"));
const PARTS = {
  packets: (dir) => packets(dir, quick),
  cpus: (dir) => cpus(dir, quick),
  maps: () => maps(quick),
  verify: () => verification(objects, quick),
  start: (dir) => start(dir),
  timers: () => timers(quick),
};
const unknown = named.find((name) => !Object.hasOwn(PARTS, name));
if (unknown !== undefined)
  throw new Error(`no part '${unknown}'; there are: ${Object.keys(PARTS).join(", ")}`);
const dir = mkdtempSync(join(tmpdir(), "softirq-bench-"));
try {
  for (const [name, run] of Object.entries(PARTS))
    if (named.length === 0 || named.includes(name)) await run(dir);
  if (process.argv.includes("--big")) big(dir);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
