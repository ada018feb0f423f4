// Asks the running kernel what the programs of test/objects/timers.o do in real time, and writes what does not
// depend on the exact time: npx tsx test/kernel/record_timers.mjs, as root, SOFTIRQ_ORACLE=<path of the oracle>.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dirname, "../..");
const object = "test/objects/timers.o";
const oracle = process.env.SOFTIRQ_ORACLE ?? "";
const TAIL_MS = 60;
// A callback that re-arms itself counts milliseconds, and real ones are not exact.
const PERIODIC = ["cancel_self", "in_inner_map", "every_array", "every_hash", "every_lru"];
const ONCE = [
  "once_array",
  "once_hash",
  "once_sparse",
  "once_lru",
  "errors",
  "cancels",
  "cancel_other",
  "delete_self",
  "delete_armed",
  "absolute",
  "beside_lock",
];

const demo = readFileSync(join(root, "examples/demo.pcap"));
const one = join(mkdtempSync(join(tmpdir(), "softirq-timers-")), "one.pcap");
writeFileSync(one, demo.subarray(0, 40 + demo.readUInt32LE(32)));

const progs = {};
for (const prog of [...ONCE, ...PERIODIC]) {
  const out = execFileSync(oracle, ["timed", "--tail-ms", String(TAIL_MS), join(root, object), prog, one], {
    encoding: "utf8",
  });
  const bss = JSON.parse(out).globals[".bss"];
  const names = [
    "results",
    "in_callback",
    "last_key",
    "fired_second",
    ...(PERIODIC.includes(prog) ? [] : ["fired"]),
  ];
  if (PERIODIC.includes(prog)) names.splice(names.indexOf("fired_second"), 1);
  progs[prog] = Object.fromEntries(names.map((n) => [n, bss[n]]));
}
const answer = {
  kernel: execFileSync("uname", ["-r"], { encoding: "utf8" }).trim(),
  object,
  sha256: createHash("sha256")
    .update(readFileSync(join(root, object)))
    .digest("hex"),
  tail_ms: TAIL_MS,
  progs,
};
writeFileSync(join(root, "test/recorded/timers.json"), `${JSON.stringify(answer, null, 1)}\n`);
