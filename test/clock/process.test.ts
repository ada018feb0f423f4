// Whole processes with a real clock in them: how they end, what they do without the addon, what the command line says.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OBJECTS, START, order } from "./harness.ts";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = join(ROOT, "dist/src/cli/main.js");
const OBJECT = join(OBJECTS, "clock_timer.o");
const built = existsSync(MAIN);

/** Opens a host `h` with timer 0 armed every millisecond, and runs `body`. */
function script(options: string, body: string): string {
  return `
    import { Host, loadObject, openObject } from ${JSON.stringify(pathToFileURL(join(ROOT, "dist/runtime/index.js")).href)};
    const h = new Host({ clock: "real", ...${options} });
    const object = await loadObject(openObject(${JSON.stringify(OBJECT)}), { host: h });
    const frame = Uint8Array.from(${JSON.stringify([...order(START, 0, 1_000_000n, 1_000_000n)])});
    object.runPacket("command", frame);
    const fired = () => new DataView(object.map("elems").lookup(new Uint8Array(4)).slice().buffer).getUint32(0, true);
    const sleep = (ms) => new Promise((r) => setTimeout(r, ms));
    for (let i = 0; fired() < 3 && i < 500; i++) await sleep(10);
    ${body}`;
}

interface Ended {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function node(args: readonly string[], env: Readonly<Record<string, string>> = {}): Ended {
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...process.env, ...env },
    encoding: "utf8",
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const run = (text: string, env?: Readonly<Record<string, string>>) =>
  node(["--input-type=module", "-e", text], env);

const ENVS: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
  ["as it is", {}],
  ["without the addon", { SOFTIRQ_ADDON: "off" }],
];
const LOOPS = ["{}", '{ loop: "main" }'];
const CASES = ENVS.flatMap(([name, env]) => LOOPS.map((loop) => [`${name}, ${loop}`, env, loop] as const));

describe.runIf(built).each(CASES)("a process with a real clock: %s", (_, env, loop) => {
  it("ends by itself when the host is closed", () => {
    const end = run(
      script(
        loop,
        'console.log(fired() >= 3, h.clockName); object.close(); await h.close(); console.log("closed");',
      ),
      env,
    );
    expect(end.stderr).toBe("");
    const which = env["SOFTIRQ_ADDON"] === "off" ? "without the addon: Atomics.wait" : "native";
    expect(end.stdout).toBe(`true real, ${which}\nclosed\n`);
    expect(end.status).toBe(0);
  });

  it("stays while the host is open", () => {
    const end = run(
      script(loop, "setTimeout(() => { console.log('still'); process.exit(3); }, 300).unref();"),
      env,
    );
    expect(end).toMatchObject({ status: 3, stdout: "still\n", stderr: "" });
  });

  it("can exit while timers run", () => {
    expect(run(script(loop, "process.exit(5);"), env)).toMatchObject({ status: 5, stderr: "" });
  });
});

describe.runIf(built).each(ENVS)("a host on a worker that is terminated: %s", (_, env) => {
  it("takes its clock along", () => {
    const inner = script("{}", "parentPort.postMessage(fired());").replace(
      "import {",
      'import { parentPort } from "node:worker_threads"; import {',
    );
    const outer = `
      import { Worker } from "node:worker_threads";
      const worker = new Worker(new URL("data:text/javascript," + encodeURIComponent(${JSON.stringify(inner)})));
      worker.on("error", (e) => { console.log(e.message); process.exit(1); });
      await new Promise((r) => worker.once("message", r));
      await worker.terminate();
      console.log("terminated");`;
    expect(run(outer, env)).toMatchObject({ status: 0, stdout: "terminated\n", stderr: "" });
  });
});

describe.runIf(built)("softirq run --clock real", () => {
  let dir: string;
  let capture: string;
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), "softirq-clock-"));
    capture = join(dir, "second.pcap");
    writeFileSync(capture, commands(11, 100_000_000n));
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  const softirq = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
    node([MAIN, "run", OBJECT, capture, "--prog", "command", ...args], env);

  it.each(ENVS)("replays at the recorded pace, with timers in real time: %s", (_, env) => {
    const start = performance.now();
    const end = softirq(["--clock", "real", "--json"], env);
    expect(performance.now() - start).toBeGreaterThan(1000);
    expect(end.status).toBe(0);
    const { clock, packets, timers } = JSON.parse(end.stdout);
    expect([clock, packets]).toEqual(["real", 11]);
    expect(timers.fired).toBeGreaterThan(20);
    expect(timers.started).toBeGreaterThanOrEqual(timers.fired);
    if (env["SOFTIRQ_ADDON"] === "off") expect(end.stderr).toMatch(/^softirq: clock: .*Atomics\.wait/);
    else expect(end.stderr).toBe("");
  });

  it("--speed scales the pace, --until lets the clock go on", () => {
    const start = performance.now();
    const end = softirq(["--clock", "real", "--speed", "1000", "--until", "200ms", "--json"]);
    expect(performance.now() - start).toBeGreaterThan(200);
    expect(JSON.parse(end.stdout).timers.fired).toBeGreaterThan(1);
  });

  it("the interpreter has a real clock on the main thread", () => {
    const end = softirq(["--clock", "real", "--speed", "5", "--engine", "interp", "--json"]);
    expect(JSON.parse(end.stdout)).toMatchObject({ clock: "real", packets: 11 });
  });

  it.each([
    [/--clock takes virtual or real/, ["--clock", "wall"]],
    [/--speed is for --clock real/, ["--speed", "2"]],
    [/--speed takes a number above 0/, ["--clock", "real", "--speed", "0"]],
    [/--parallel is not for --clock real/, ["--clock", "real", "--cpus", "2", "--parallel"]],
  ])("refuses: %s", (message, args) => {
    const end = softirq(args);
    expect(end.status).toBe(2);
    expect(end.stderr).toMatch(message);
  });
});

/** A capture of start commands: the first of a timer every 10 ms, then others. */
function commands(count: number, gapNs: bigint): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [
    new Uint8Array(new Uint32Array([0xa1b23c4d, 0x00040002, 0, 0, 65535, 1]).buffer),
  ];
  for (let i = 0; i < count; i++) {
    const frame = order(START, i, 5_000_000n, i === 0 ? 10_000_000n : 0n);
    const ts = 1_600_000_000_000_000_000n + BigInt(i) * gapNs;
    const head = new Uint32Array([
      Number(ts / 1_000_000_000n),
      Number(ts % 1_000_000_000n),
      frame.length,
      frame.length,
    ]);
    parts.push(new Uint8Array(head.buffer), frame);
  }
  return Uint8Array.from(Buffer.concat(parts));
}
