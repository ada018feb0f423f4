// npm run bench: what packets, map operations, verification and start-up cost, with the running kernel beside it in
// the same minutes. Options: --quick (fewer rounds), --big (peak memory over a capture of 5 GB).
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packets } from "./packets.mjs";
import { maps } from "./maps.mjs";
import { cpus } from "./parallel.mjs";
import { start } from "./start.mjs";
import { big } from "./big.mjs";

const quick = process.argv.includes("--quick");
const dir = mkdtempSync(join(tmpdir(), "softirq-bench-"));
try {
  await packets(dir, quick);
  await cpus(dir, quick);
  await maps(quick);
  start(dir);
  if (process.argv.includes("--big")) big(dir);
} finally {
  rmSync(dir, { recursive: true, force: true });
}
