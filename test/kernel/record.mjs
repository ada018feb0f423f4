// Asks the running kernel through the oracle and writes what it answers to test/recorded. A tool for developers:
//   SOFTIRQ_ORACLE=/path/to/oracle npx tsx test/kernel/record.mjs [OBJECT…]
// as root. Captures are those of ../shared/pcaps and examples/demo.pcap; Ethernet only.
import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { release, tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeRecording, packRow } from "./answers.ts";
import { readCapture, writePcapLe } from "./pcap_le.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const OBJECTS = join(ROOT, "test/objects");
const RECORDED = join(ROOT, "test/recorded");
const PCAPS = join(ROOT, "../shared/pcaps");
const oracle = process.env.SOFTIRQ_ORACLE;
if (!oracle) {
  console.error("set SOFTIRQ_ORACLE to the oracle's path");
  process.exit(2);
}

/** programs whose answer differs between two runs of the kernel itself: clocks, stack nobody wrote */
const NOT_COMPARED = new Set(["clock", "fine_key_uninit", "nop"]);
/** of an object with tail calls, the programs that are entered from outside */
const ENTRIES = { dispatch: ["dispatch"] };

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

function ask(...args) {
  const r = spawnSync(oracle, args, { maxBuffer: 1 << 30, encoding: "utf8" });
  if (r.status !== 0) throw new Error(`oracle ${args.join(" ")}: ${r.stderr}`);
  if (r.stderr) console.error(`oracle ${args.join(" ")}: ${r.stderr.trim()}`);
  return JSON.parse(r.stdout);
}

function loadCaptures(dir) {
  const demo = join(ROOT, "examples/demo.pcap");
  const files = readdirSync(PCAPS)
    .filter((f) => /\.pcap(ng)?$/.test(f))
    .sort()
    .map((f) => join(PCAPS, f));
  if (existsSync(demo)) files.push(demo);
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

function recordObject(file, verified, captures) {
  const name = file.replace(/\.o$/, "");
  const own = verified.map((v) => v.prog);
  const entries = ENTRIES[name.replace(/\.v4$/, "")] ?? own;
  const progs = entries.filter((p) => p !== "setup" && !p.startsWith("bad_") && !NOT_COMPARED.has(p));
  const path = join(OBJECTS, file);
  const cases = [];
  for (const prog of progs) for (const capture of captures) cases.push(recordCase(path, prog, capture));
  if (cases.length === 0) return;
  const head = { object: file, sha256: sha256(readFileSync(path)), kernel: release() };
  const out = encodeRecording({ head, cases });
  writeFileSync(join(RECORDED, `${name}.jsonl.gz`), out);
  console.error(`${name}: ${cases.length} cases, ${out.length} bytes`);
}

const dir = mkdtempSync(join(tmpdir(), "softirq-record-"));
try {
  mkdirSync(RECORDED, { recursive: true });
  const captures = loadCaptures(dir);
  const wanted = process.argv.slice(2);
  const files = readdirSync(OBJECTS)
    .filter((f) => f.endsWith(".o"))
    .sort();
  const verdicts = [];
  for (const file of files) {
    const verified = ask("verify", join(OBJECTS, file));
    verdicts.push({ object: file, sha256: sha256(readFileSync(join(OBJECTS, file))), programs: verified });
    const name = file.replace(/\.o$/, "");
    if (wanted.length === 0 || wanted.includes(name)) recordObject(file, verified, captures);
  }
  const programs = verdicts.flatMap(({ object, sha256: sum, programs: list }) =>
    list.map((p) => ({ object, sha256: sum, prog: p.prog, sec: p.sec, accept: p.accept, errno: p.err, log_last: p.log_last })),
  );
  const uname = execFileSync("uname", ["-r"], { encoding: "utf8" }).trim();
  const rows = programs.map((p) => `    ${JSON.stringify(p)}`).join(",\n");
  writeFileSync(join(RECORDED, "verify.json"), `{\n  "kernel": "${uname}",\n  "programs": [\n${rows}\n  ]\n}\n`);
} finally {
  rmSync(dir, { recursive: true });
}
