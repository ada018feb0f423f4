// The command line as scripts see it: statuses, one line an error, documents. Runs the built output.
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { crc32 } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { CaptureReader } from "../../src/pcap/index.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const MAIN = join(ROOT, "dist/src/cli/main.js");
const OBJECT = "examples/xdp_firewall.o";
const CAPTURE = "examples/demo.pcap";
const FIREWALL = [OBJECT, CAPTURE, "--prog", "firewall", "--init", "setup"];

const scratch = mkdtempSync(join(tmpdir(), "softirq-cli-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));
const inScratch = (name: string) => join(scratch, name);

function softirq(...args: string[]) {
  const run = spawnSync(process.execPath, [MAIN, ...args], {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return { status: run.status, out: run.stdout, err: run.stderr };
}

const demo = readFileSync(join(ROOT, CAPTURE));
writeFileSync(inScratch("empty.pcap"), "");
writeFileSync(inScratch("header.pcap"), demo.subarray(0, 24));
writeFileSync(inScratch("cut.pcap"), demo.subarray(0, 1000));
const raw = Buffer.from(demo.subarray(0, 300));
raw.writeUInt32LE(101, 20);
writeFileSync(inScratch("raw.pcap"), raw);
writeFileSync(inScratch("half.o"), readFileSync(join(ROOT, OBJECT)).subarray(0, 3000));
writeFileSync(inScratch("bad.json"), '{"entries":[{"key":"00","value":"00"}]}');

describe("refusals: one line, a status, nothing else", () => {
  it.each([
    [2, /^softirq: unknown command 'rnu', did you mean run\?$/, ["rnu"]],
    [2, /^softirq: run: OBJECT is missing/, ["run"]],
    [2, /^softirq: run: PCAP is missing/, ["run", OBJECT]],
    [
      2,
      /^softirq: run: unknown option --verdict, did you mean --verdicts\?$/,
      ["run", OBJECT, CAPTURE, "--verdict", "x"],
    ],
    [2, /^softirq: --limit takes a whole number/, ["run", ...FIREWALL, "--limit", "many"]],
    [2, /^softirq: --until takes a duration/, ["run", ...FIREWALL, "--until", "10"]],
    [
      2,
      /^softirq: run: standard output \(-\) can be given to one file only$/,
      ["run", ...FIREWALL, "--out", "-", "--maps", "-"],
    ],
    [2, /^softirq: run: --engine takes wasm, interp, kernel, /, ["run", ...FIREWALL, "--engine", "warp"]],
    [2, /^softirq: run: --limit has no value; /, ["run", ...FIREWALL, "--limit", "-1"]],
    [2, /^softirq: --limit takes a whole number from 0 to /, ["run", ...FIREWALL, "--limit", "9".repeat(20)]],
    [
      2,
      /^softirq: --seed takes a whole number from 0 to /,
      ["run", ...FIREWALL, "--seed", "18446744073709551616"],
    ],
    [1, /^softirq: open nothing\.o: no such file or directory$/, ["list", "nothing.o"]],
    [1, /^softirq: open examples: is a directory$/, ["list", "examples"]],
    [1, /^softirq: README\.md: not an ELF file$/, ["list", "README.md"]],
    [1, /^softirq: half\.o, offset 0x4fe8: the section table needs 64 bytes/, ["list", inScratch("half.o")]],
    [1, /^softirq: no_programs\.o: no programs$/, ["verify", "test/elf/objects/no_programs.o"]],
    [1, /: 2 programs, choose one: firewall, setup$/, ["run", OBJECT, CAPTURE]],
    [1, /: no program 'firewal'; there are: firewall, setup$/, ["run", OBJECT, CAPTURE, "--prog", "firewal"]],
    [1, /: is empty$/, ["run", OBJECT, inScratch("empty.pcap"), "--prog", "firewall"]],
    [1, /: is an ELF object, not a capture$/, ["run", OBJECT, OBJECT, "--prog", "firewall"]],
    [1, /: no global variable 'budget'; there are: /, ["run", ...FIREWALL, "--set", "budget=1"]],
    [
      1,
      /^softirq: 'ping_budget': .*99999999999 does not fit/,
      ["run", ...FIREWALL, "--set", "ping_budget=99999999999"],
    ],
    [1, /no map 'blocked5'; there are: /, ["run", ...FIREWALL, "--map", `blocked5=${inScratch("bad.json")}`]],
    [
      1,
      /bad\.json: entry 0: key has 1 bytes, not 8$/,
      ["run", ...FIREWALL, "--map", `blocked4=${inScratch("bad.json")}`],
    ],
    [
      1,
      /^softirq: a packet of 3 bytes cannot be run$/,
      ["test", OBJECT, "--prog", "firewall", "--data", "hex:010203"],
    ],
    [2, /not whole bytes in hex$/, ["test", OBJECT, "--prog", "firewall", "--data", "hex:0"]],
  ] as const)("status %d, %s", (status, line, args) => {
    const run = softirq(...args);
    expect(run.err.trimEnd()).toMatch(line);
    expect(run.err.trimEnd().split("\n").length).toBe(1);
    expect([run.status, run.out]).toEqual([status, ""]);
  });
});

describe("list and verify", () => {
  it("lists programs, maps, variables", () => {
    const found = JSON.parse(softirq("list", OBJECT, "--json").out) as Record<string, unknown[]>;
    expect(found["programs"]?.[0]).toEqual({ name: "firewall", section: "xdp", type: "xdp", insns: 178 });
    expect(found["maps"]).toContainEqual({
      name: "closed_ports",
      type: "hash",
      key_size: 2,
      value_size: 16,
      max_entries: 256,
      flags: 0,
    });
    expect(found["variables"]).toContainEqual({ section: ".bss", name: "packets", size: 8, type: "__u64" });
  });

  it("says why a program is rejected, with the C line", () => {
    const run = softirq("verify", "test/objects/bad.o", "--prog", "bad_packet_one_past", "--json");
    expect(run.status).toBe(1);
    const [verdict] = JSON.parse(run.out) as Record<string, unknown>[];
    expect(verdict).toMatchObject({
      prog: "bad_packet_one_past",
      accept: false,
      errno: "EACCES",
      message: "R2 offset is outside of the packet",
    });
    expect(verdict?.["source"]).toMatch(/^bad\.bpf\.c:\d+$/);
  });

  it("accepts, with the figures tools ask for", () => {
    const [verdict] = JSON.parse(softirq("verify", OBJECT, "--prog", "firewall", "--json").out) as Record<
      string,
      unknown
    >[];
    expect(verdict).toMatchObject({ accept: true, insns: 178 });
    expect(verdict?.["processed"]).toBeGreaterThan(178);
  });

  it("verifies as if loaded by a process with few capabilities", () => {
    const verdict = (...args: string[]) =>
      (JSON.parse(softirq("verify", ...args, "--json").out) as Record<string, unknown>[])[0];
    expect(verdict(OBJECT, "--unprivileged")).toMatchObject({
      accept: false,
      errno: "EPERM",
      message: "map 'blocked4': maps of type lpm_trie need CAP_BPF",
    });
    const bad = ["test/objects/bad.o", "--prog", "bad_packet_one_past"];
    expect(verdict(...bad, "--unprivileged")).toMatchObject({
      errno: "EPERM",
      message: "programs of type xdp need CAP_BPF and CAP_NET_ADMIN",
    });
    expect(verdict(...bad, "--caps", "bpf,net_admin")).toMatchObject({ errno: "EACCES" });
    for (const args of [
      ["--caps", "root"],
      ["--caps", "bpf", "--unprivileged"],
    ])
      expect(softirq("verify", ...bad, ...args).status).toBe(2);
  });

  it("knows the number of a CPU where it is told how many there are", () => {
    const calls = (...args: string[]) =>
      softirq("verify", "test/objects/clock.o", "--log", "2", ...args).out.match(
        /call bpf_get_smp_processor_id#8 .*R0=.*$/m,
      )?.[0];
    expect(calls("--cpus", "4")).toContain("smax32=umax32=3,");
    expect(calls()).not.toContain("umax32=3,");
    expect(softirq("verify", "test/objects/clock.o", "--cpus", "0").status).toBe(2);
  });

  it("prints the log in the kernel's form", () => {
    const run = softirq("verify", OBJECT, "--prog", "firewall", "--log", "2");
    expect(run.out).toMatch(/^0: R1=ctx\(\) R10=fp0$/m);
    expect(run.out).toMatch(
      /^processed \d+ insns \(limit 1000000\) max_states_per_insn \d+ total_states \d+ peak_states \d+ mark_read \d+$/m,
    );
  });
});

describe("run", () => {
  it("writes verdicts, packets and maps that agree with each other", () => {
    const [verdicts, out, maps] = ["v.jsonl", "out.pcap", "maps.json"].map(inScratch) as [
      string,
      string,
      string,
    ];
    const run = softirq("run", ...FIREWALL, "--verdicts", verdicts, "--out", out, "--maps", maps, "--json");
    expect([run.status, run.err]).toEqual([0, ""]);
    const totals = JSON.parse(run.out) as {
      packets: number;
      bytes: string;
      verdicts: Record<string, number>;
    };
    const lines = readFileSync(verdicts, "utf8")
      .trimEnd()
      .split("\n")
      .map((l) => JSON.parse(l) as { i: number; verdict: string; len: number; crc32: string });
    expect(lines.length).toBe(totals.packets);
    const passed = lines.filter((l) => l.verdict === "XDP_PASS");
    expect(passed.length).toBe(totals.verdicts["XDP_PASS"]);
    using reader = CaptureReader.open(out);
    const left = [...reader.packetsCopied()];
    expect(left.map((p) => p.data.length)).toEqual(passed.map((l) => l.len));
    expect(left.map((p) => crc32(p.data).toString(16).padStart(8, "0"))).toEqual(passed.map((l) => l.crc32));
    const dumped = JSON.parse(readFileSync(maps, "utf8")) as Record<
      string,
      { variables?: Record<string, { value: string }> }
    >;
    expect(dumped[".bss"]?.variables?.["packets"]?.value).toBe(String(totals.packets));
    expect(dumped[".bss"]?.variables?.["bytes"]?.value).toBe(totals.bytes);
  });

  it.each([["--engine", "interp"], ["--checked"], ["--opt", "0"], ["--no-cache"]])(
    "gives the same with %s %s",
    (...option) => {
      const args = ["run", ...FIREWALL, "--limit", "300", "--verdicts", "-"];
      expect(softirq(...args, ...option.filter((o) => o !== undefined)).out).toBe(softirq(...args).out);
    },
  );

  it("counts on over repeats, with the mean gap between rounds", () => {
    const lines = softirq("run", ...FIREWALL, "--limit", "3", "--repeat", "2", "--verdicts", "-")
      .out.trimEnd()
      .split("\n")
      .map((l) => JSON.parse(l) as { i: number; ts_ns: string });
    expect(lines.map((l) => l.i)).toEqual([0, 1, 2, 3, 4, 5]);
    const ts = lines.map((l) => BigInt(l.ts_ns));
    const span = (ts[2] ?? 0n) - (ts[0] ?? 0n);
    expect((ts[3] ?? 0n) - (ts[2] ?? 0n)).toBe(span / 2n);
    expect((ts[5] ?? 0n) - (ts[3] ?? 0n)).toBe(span);
  });

  it("spreads flows over CPUs and loses nothing", () => {
    const maps = inScratch("cpus.json");
    const run = softirq("run", ...FIREWALL, "--cpus", "4", "--maps", maps, "--json");
    expect((JSON.parse(run.out) as { verdicts: unknown }).verdicts).toEqual(
      (JSON.parse(softirq("run", ...FIREWALL, "--json").out) as { verdicts: unknown }).verdicts,
    );
    const reasons = (
      JSON.parse(readFileSync(maps, "utf8")) as Record<
        string,
        { entries: { formatted: { value: { packets: string }[] } }[] }
      >
    )["reasons"];
    const perCpu = reasons?.entries[0]?.formatted.value.map((v) => Number(v.packets)) ?? [];
    expect(perCpu.length).toBe(4);
    expect(perCpu.every((n) => n > 0)).toBe(true);
  });

  it("fills a map from what --maps wrote", () => {
    const [first, second] = ["first.json", "second.json"].map(inScratch) as [string, string];
    softirq("run", ...FIREWALL, "--maps", first);
    softirq(
      "run",
      OBJECT,
      CAPTURE,
      "--prog",
      "firewall",
      "--limit",
      "0",
      "--map",
      `blocked4=${first}`,
      "--maps",
      second,
    );
    const entries = (file: string) =>
      (JSON.parse(readFileSync(file, "utf8")) as Record<string, { entries: unknown[] }>)["blocked4"]?.entries;
    expect(entries(second)).toEqual(entries(first));
  });

  it("runs nothing of a capture without packets", () => {
    const run = softirq("run", OBJECT, inScratch("header.pcap"), "--prog", "firewall", "--json");
    expect(run.status).toBe(0);
    expect(JSON.parse(run.out)).toMatchObject({ packets: 0, errors: 0, verdicts: {} });
  });

  it("runs what a truncated capture still holds, and says what is missing", () => {
    const run = softirq("run", OBJECT, inScratch("cut.pcap"), "--prog", "firewall", "--json");
    expect(run.status).toBe(1);
    expect(run.err).toMatch(
      /cut\.pcap: truncated: packet 4 at byte \d+: needs \d+ bytes, the file has \d+\n$/,
    );
    expect(JSON.parse(run.out)).toMatchObject({ packets: 3 });
  });

  it("runs no packet that is not Ethernet", () => {
    const run = softirq(
      "run",
      OBJECT,
      inScratch("raw.pcap"),
      "--prog",
      "firewall",
      "--verdicts",
      "-",
      "--limit",
      "1",
    );
    expect(run.err).toMatch(/LINKTYPE_RAW \(101\), only LINKTYPE_ETHERNET \(1\) can be run\n/);
    expect(JSON.parse(run.out)).toMatchObject({ i: 0, error: "EINVAL" });
  });

  it("ends at Ctrl-C with totals and whole files", async () => {
    const verdicts = inScratch("stopped.jsonl");
    const child = spawn(
      process.execPath,
      [MAIN, "run", ...FIREWALL, "--repeat", "1000000", "--verdicts", verdicts, "--json"],
      { cwd: ROOT },
    );
    let out = "";
    child.stdout.on("data", (chunk: Buffer) => (out += chunk.toString()));
    while (!hasBytes(verdicts)) await new Promise((r) => setTimeout(r, 50));
    child.kill("SIGINT");
    child.kill("SIGINT"); // as timeout(1) does: to the child and to its group
    const status = await new Promise((r) => child.on("close", r));
    expect(status).toBe(130);
    const lines = readFileSync(verdicts, "utf8").split("\n");
    expect(lines.pop()).toBe("");
    expect((JSON.parse(out) as { packets: number }).packets).toBe(lines.length);
    expect(JSON.parse(lines.at(-1) ?? "")).toMatchObject({ i: lines.length - 1 });
  });
});

function hasBytes(path: string): boolean {
  try {
    return readFileSync(path).length > 0;
  } catch {
    return false;
  }
}

describe("test and dump", () => {
  it("shows all of one packet", () => {
    const shown = JSON.parse(
      softirq("test", OBJECT, "--prog", "firewall", "--data", `hex:${"ff".repeat(60)}`, "--json").out,
    ) as Record<string, unknown>;
    expect(shown).toMatchObject({ retval: 2, verdict: "XDP_PASS", len: 60, data: "ff".repeat(60) });
    expect(shown["ctx"]).toMatchObject({ data: 0, data_end: 60, ingress_ifindex: 1 });
  });

  it.each([
    ["insns", /^ +0: \(b[47f]\)|^firewall:/m],
    ["cfg", /^digraph "firewall" \{[^]*call bpf_map_lookup_elem#1/],
    ["wat", /^\(module/],
  ])("dumps %s", (form, pattern) => {
    const run = softirq("dump", OBJECT, "--prog", "firewall", "--as", form);
    expect([run.status, run.err]).toEqual([0, ""]);
    expect(run.out).toMatch(pattern);
  });

  it("dumps a module that is one", () => {
    const wasm = spawnSync(process.execPath, [MAIN, "dump", OBJECT, "--prog", "firewall", "--as", "wasm"], {
      cwd: ROOT,
    }).stdout;
    const module = new WebAssembly.Module(wasm);
    expect(WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name}`)).toEqual([
      "env.memory",
      "env.table",
    ]);
  });
});

describe.skipIf(process.platform !== "linux")("standard output that takes nothing", () => {
  const RUN = ["run", ...FIREWALL, "--limit", "5"];
  const JSON_RUN = [...RUN, "--json"];
  const shell = (args: readonly string[], rest: string) =>
    spawnSync("bash", ["-c", `"$0" "$@" ${rest}`, process.execPath, MAIN, ...args], {
      cwd: ROOT,
      encoding: "utf8",
    });

  it.each([
    [["list", OBJECT]],
    [JSON_RUN],
    [[...RUN, "--verdicts", "-"]],
    [["dump", OBJECT, "--prog", "firewall", "--as", "wasm"]],
  ])("says in one line that the disk is full: %j", (args) => {
    const run = shell(args, ">/dev/full");
    expect([run.status, run.stderr]).toEqual([
      1,
      "softirq: write standard output: no space left on device\n",
    ]);
  });

  it.each([[["list", OBJECT]], [[...RUN, "--verdicts", "-"]], [[...RUN, "--out", "-"]]])(
    "leaves a closed pipe without a word: %j",
    (args) => {
      const run = shell(args, '| true; exit "${PIPESTATUS[0]}"');
      expect([run.status, run.stderr]).toEqual([0, ""]);
    },
  );

  it("has printk lines and records by packet, on however many CPUs", () => {
    const lines = (cpus: string) => {
      const out = softirq("run", "examples/xdp_sample.o", CAPTURE, "--maps", "-", "--cpus", cpus).out;
      const maps = JSON.parse(out) as Record<string, { records?: { i: number | null; bytes: string }[] }>;
      return Object.values(maps)
        .flatMap((map) => map.records ?? [])
        .map((r) => r.i);
    };
    const four = lines("4");
    expect(four.length).toBeGreaterThan(0);
    expect(four).toEqual([...four].sort((a, b) => (a ?? 0) - (b ?? 0)));
  });
});
