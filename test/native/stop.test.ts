// The stop word raised from outside while JavaScript is blocked in Wasm; threads and memory that end too early.
import { describe, expect, it, vi } from "vitest";
import { runChild, startChild } from "./child.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes or a full second of work, on a busy machine

const onLinux = describe.skipIf(process.platform !== "linux");

onLinux("deadline", () => {
  it("ends a loop in Wasm, in time", () => {
    const run = runChild(`
      const stop = addon.stopAt(view, 64, inMs(50), { value: 7 });
      const start = addon.clockNs();
      spin(64);
      print([Number(addon.clockNs() - start) / 1e6, words[16], stop.fired, stop.cancel(), stop.cancel()]);`);
    const [ms, word, ...fired] = run.out[0] as [number, number, boolean, boolean, boolean];
    expect([word, fired], run.stderr).toEqual([7, [true, true, true]]);
    expect(ms).toBeGreaterThan(45);
    expect(ms).toBeLessThan(2000);
  });

  it("cancelled, it stays silent; past, it fires at once; the first reason stays", () => {
    const run = runChild(`
      const a = addon.stopAt(view, 64, inMs(30));
      const cancelled = a.cancel();
      await sleep(60);
      const before = words[16];
      addon.stopAt(view, 64, 0n, { value: 3 });
      spin(64);
      const b = addon.stopAt(view, 64, 0n, { value: 4 });
      while (!b.fired);
      b.cancel();
      print([cancelled, before, words[16], addon.clockNs() > 0n]);`);
    expect(run.out, run.stderr).toEqual([[false, 0, 3, true]]);
  });

  it("refuses what is not a word of the memory", () => {
    const run = runChild(`
      const n = view.length;
      print([[view, n - 3], [view, 2 ** 53], [view, 2], [view, -4], [view, 0.5], [words, 0], [{}, 0], [view.subarray(1), 0],
        [memory.buffer, 0]].map(([v, off]) => refusal(() => addon.stopAt(v, off, 0n))));
      print([refusal(() => addon.stopAt(view, 0, -1n)), refusal(() => addon.stopAt(view, 0, 1)),
        refusal(() => addon.stopAt(view, 0, 0n, { value: 0 })), refusal(() => addon.stopOnSignal(view, n))]);`);
    expect(run.stderr).toBe("");
    const bytes = expect.stringContaining("Uint8Array");
    const outside = expect.stringMatching(/^ERANGE: stop word outside of the memory/);
    const unaligned = expect.stringMatching(/^EINVAL: stop word is not aligned/);
    const number = expect.stringContaining("whole number");
    expect(run.out).toEqual([
      [outside, number, unaligned, number, number, bytes, bytes, unaligned, bytes],
      [expect.stringContaining("bigint"), expect.stringContaining("bigint"), unaligned, outside],
    ]);
  });
});

onLinux("SIGINT", () => {
  it("ends a loop in Wasm, and the process goes on", async () => {
    const { child, firstLine, done } = startChild(`
      const stop = addon.stopOnSignal(view, 64);
      const other = addon.stopOnSignal(new Uint8Array(makeMemory().buffer), 0, { value: 9 });
      print("in the loop");
      spin(64);
      print([words[16], stop.fired, other.fired, other.cancel(), stop.cancel()]);`);
    await firstLine;
    child.kill("SIGINT");
    const run = await done;
    expect([run.status, run.signal, run.out], run.stderr).toEqual([
      0,
      null,
      ["in the loop", [1, true, true, true, true]],
    ]);
  });

  const KILLED: readonly [string, string][] = [
    [
      "a second one kills a run that does not stop",
      "addon.stopOnSignal(view, 64); print(1); for (;;) spin(128);",
    ],
    ["after cancel it kills as before", "addon.stopOnSignal(view, 64).cancel(); print(1); spin(64);"],
  ];
  for (const [name, script] of KILLED) {
    it(name, async () => {
      const { child, firstLine, done } = startChild(script);
      await firstLine;
      const again = setInterval(() => child.kill("SIGINT"), 50);
      const run = await done;
      clearInterval(again);
      expect([run.status, run.signal], run.stderr).toEqual([null, "SIGINT"]);
    });
  }

  it("listeners of the process still hear it, and are left in place", async () => {
    const { child, firstLine, done } = startChild(`
      let heard = 0;
      process.on("SIGINT", () => heard++);
      const stop = addon.stopOnSignal(view, 64);
      print("in the loop");
      spin(64);
      await sleep(20);
      const first = heard;
      stop.cancel();
      process.kill(process.pid, "SIGINT");
      await sleep(20);
      print([first, heard]);`);
    await firstLine;
    child.kill("SIGINT");
    const run = await done;
    expect([run.status, run.out], run.stderr).toEqual([0, ["in the loop", [1, 2]]]);
  });

  it("64 words at once, a 65th is refused, and all are free again", () => {
    const run = runChild(`
      const all = Array.from({ length: 64 }, (_, i) => addon.stopOnSignal(view, i * 4));
      const more = refusal(() => addon.stopOnSignal(view, 1024));
      process.kill(process.pid, "SIGINT");
      spin(63 * 4);
      const raised = words.subarray(0, 64).every((w) => w === 1);
      for (const stop of all) stop.cancel();
      print([more, raised, refusal(() => addon.stopOnSignal(view, 0).cancel())]);`);
    expect(run.out, run.stderr).toEqual([
      [expect.stringMatching(/^ENOSPC: stop on signal: too many/), true, "accepted"],
    ]);
  });
});

onLinux("lifetime", () => {
  it("process.exit while a thread runs", () => {
    const run = runChild(`
      addon.stopAt(view, 0, inMs(60_000)); addon.stopAt(view, 4, inMs(1)); addon.stopOnSignal(view, 8);
      process.exit(7);`);
    expect([run.status, run.signal, run.stderr]).toEqual([7, null, ""]);
  });

  it("the memory is not collected while a thread is to write to it", () => {
    const run = runChild(`
      for (let i = 0; i < 20; i++) addon.stopAt(new Uint8Array(makeMemory(16).buffer), 0, inMs(100 + i));
      for (let i = 0; i < 10; i++) { gc(); await sleep(25); }
      print("alive");`);
    expect([run.status, run.signal, run.out], run.stderr).toEqual([0, null, ["alive"]]);
  });

  it("a Worker is terminated while its thread runs; afterwards nothing writes", () => {
    const run = runChild(`
      const code = \`
        const { workerData, parentPort } = require("node:worker_threads");
        const raw = require(workerData.path);
        const view = new Uint8Array(workerData.memory.buffer);
        for (let i = 0; i < 8; i++) raw.stopAt(view, 64 + i * 4, 1, raw.clockNs() + 150000000n);
        raw.stopOnSignal(view, 128, 1, true);
        raw.stopAt(new Uint8Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 1, raw.clockNs() + 150000000n);
        raw.map(view, 65536, raw.segmentAnonymous(65536), 0, 1);
        parentPort.postMessage("armed");
        for (;;);\`;
      const path = fs.existsSync("prebuilds/linux-x64/softirq.node") ? "prebuilds/linux-x64/softirq.node" : "build/Release/softirq.node";
      for (let round = 0; round < 3; round++) {
        const worker = new Worker(code, { eval: true, execArgv: [], workerData: { path: fs.realpathSync(path), memory } });
        await new Promise((armed) => worker.once("message", armed));
        await worker.terminate();
      }
      process.on("SIGINT", () => {});
      process.kill(process.pid, "SIGINT");
      await sleep(250);
      gc();
      view[65536] = 1;
      print(words.every((w, i) => w === (i === 16384 ? 1 : 0)));`);
    expect([run.status, run.signal, run.out], run.stderr).toEqual([0, null, [true]]);
  });
});
