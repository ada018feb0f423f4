// Asks the running kernel through the oracle what programs do and writes it to test/recorded (record_verdicts.ts: what
// its verifier says). A tool for developers:
//   SOFTIRQ_ORACLE=/path/to/oracle npx tsx test/kernel/record.mjs [OBJECT…]
// as root. Captures are those of ../shared/pcaps, examples and this folder; Ethernet only.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeRecording, packRow } from "./answers.ts";
import { readCapture, writePcapLe } from "./pcap_le.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const FOLDERS = ["test/objects", "examples"].map((f) => join(ROOT, f));
const RECORDED = join(ROOT, "test/recorded");
const CAPTURES = ["../shared/pcaps", "examples", "test/kernel"].map((f) => join(ROOT, f));
const oracle = process.env.SOFTIRQ_ORACLE;
if (!oracle) {
  console.error("set SOFTIRQ_ORACLE to the oracle's path");
  process.exit(2);
}

/** programs whose answer differs between two runs of the kernel itself: clocks, stack nobody wrote */
const NOT_COMPARED = new Set(["clock/clock", "bad/fine_key_uninit", "xdp_flows/count_flows"]);
/** objects that are only verified: timers run on a clock of their own, callbacks have a test of their own */
const VERIFIED_ONLY = new Set([
  "callbacks",
  "throws",
  "dynptrs",
  "threads",
  "tc_timer",
  "flow_keys",
  "timer_rules",
  "timer_types",
  "timer_wq",
  "timers",
]);
/** of an object with tail calls, the programs that are entered from outside */
const TC_ENTRIES = [
  "classify",
  "looks",
  "rewrite",
  "staged",
  "police",
  "egress",
  "lwt_looks",
  "lwt_sums",
  "lwt_grows",
];
const ENTRIES = { dispatch: ["dispatch"], tc: TC_ENTRIES };

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function ask(...args) {
  const r = spawnSync(oracle, args, { maxBuffer: 1 << 30, encoding: "utf8" });
  if (r.status !== 0) throw new Error(`oracle ${args.join(" ")}: ${r.stderr}`);
  if (r.stderr) console.error(`oracle ${args.join(" ")}: ${r.stderr.trim()}`);
  return JSON.parse(r.stdout);
}

function loadCaptures(dir) {
  const isCapture = (f) => /\.pcap(ng)?$/.test(f);
  const files = CAPTURES.flatMap((folder) =>
    readdirSync(folder)
      .filter(isCapture)
      .sort()
      .map((f) => join(folder, f)),
  );
  const captures = [];
  for (const file of files) {
    const bytes = readFileSync(file);
    const capture = readCapture(bytes);
    if (capture.linkType !== 1) continue;
    const path = join(dir, `${basename(file)}.le`);
    writeFileSync(path, writePcapLe(capture));
    captures.push({ name: basename(file), sha256: sha256(bytes), frames: capture.frames, path });
  }
  return captures;
}

function recordCase(object, prog, capture) {
  const a = ask("run", object, prog, capture.path);
  if (a.packets.length !== capture.frames.length) throw new Error(`${capture.name}: packets lost`);
  return {
    prog,
    setup: a.setup,
    capture: capture.name,
    capture_sha256: capture.sha256,
    packets: a.packets.map((row, i) => packRow(row, capture.frames[i].data)),
    events: a.events ?? {},
    globals: a.globals,
    maps: a.maps,
  };
}

const baseName = (file) => basename(file).replace(/(\.v4)?\.o$/, "");

function recordObject(path, verified, captures) {
  const base = baseName(path);
  if (VERIFIED_ONLY.has(base)) return;
  const entries = ENTRIES[base] ?? verified.map((v) => v.prog);
  const progs = entries.filter(
    (p) => p !== "setup" && !p.startsWith("bad_") && !NOT_COMPARED.has(`${base}/${p}`),
  );
  if (progs.length === 0) return;
  const cases = progs.flatMap((prog) => captures.map((capture) => recordCase(path, prog, capture)));
  const object = relative(ROOT, path);
  const out = encodeRecording({
    head: { object, sha256: sha256(readFileSync(path)), kernel: release() },
    cases,
  });
  const name = basename(path, ".o");
  writeFileSync(join(RECORDED, `${name}.jsonl.gz`), out);
  console.error(`${name}: ${cases.length} cases, ${out.length} bytes`);
}

const dir = mkdtempSync(join(tmpdir(), "softirq-record-"));
try {
  mkdirSync(RECORDED, { recursive: true });
  const captures = loadCaptures(dir);
  const wanted = process.argv.slice(2);
  const objects = FOLDERS.flatMap((folder) =>
    readdirSync(folder)
      .filter((f) => f.endsWith(".o"))
      .sort()
      .map((f) => join(folder, f)),
  );
  for (const path of objects)
    if (wanted.length === 0 || wanted.includes(basename(path, ".o")))
      recordObject(path, ask("verify", path), captures);
} finally {
  rmSync(dir, { recursive: true });
}
