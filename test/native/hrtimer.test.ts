// Waiting for deadlines in shared memory from JavaScript: reasons, publishing across threads, early ends of threads.
import { describe, expect, it, vi } from "vitest";
import { runChild } from "./child.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes on a busy machine

const SETUP = `
  const WORDS = { due: 256, asleep: 264, seq: 272, stop: 276, now: 280 };
  const due = new BigUint64Array(memory.buffer, 256, 1);
  due[0] = ~0n;
  const waiter = addon.waiter(view, WORDS);
  const timed = (call) => { const start = addon.clockNs(); const value = call(); return [value, Number(addon.clockNs() - start) / 1e6]; };
`;

// A Worker that has the addon and the words, runs \`body\` and says "ready" by itself.
const WORKER = `
  const path = fs.existsSync("prebuilds/linux-x64/softirq.node") ? "prebuilds/linux-x64/softirq.node" : "build/Release/softirq.node";
  const startWorker = (body) => new Worker(\`
    const { workerData, parentPort } = require("node:worker_threads");
    const raw = require(workerData.path);
    const view = new Uint8Array(workerData.memory.buffer);
    const due = new BigUint64Array(view.buffer, 256, 1);
    const details = new Float64Array(4);
    const open = (adaptive = true) => raw.waiterOpen(view, Float64Array.of(264, 272, 276, 280, 256), adaptive, 0, details);
    \${body}\`, { eval: true, execArgv: [], workerData: { path: fs.realpathSync(path), memory } });
  const message = (worker) => new Promise((done) => worker.once("message", done));
`;

const onLinux = describe.skipIf(process.platform !== "linux");

onLinux("waiter", () => {
  it("says why it woke, and not before the time", () => {
    const run = runChild(`${SETUP}
      due[0] = inMs(20);
      const before = due[0];
      const a = waiter.wait();
      const dueAt = addon.clockNs() >= before && waiter.lateNs >= 0 && waiter.index === 0;
      const b = [waiter.wait(), waiter.lateNs > 0];
      due[0] = ~0n;
      const until = inMs(10);
      const c = [waiter.wait(until), addon.clockNs() >= until];
      const past = waiter.wait(0n);
      due[0] = inMs(5);
      const both = waiter.wait(due[0]);
      waiter.kick(); waiter.kick();
      due[0] = ~0n;
      const d = [waiter.wait(), waiter.wait(inMs(1))];
      words[69] = 9;
      const e = [waiter.wait(), waiter.wait(0n)];
      waiter.close(); waiter.close();
      print([a, dueAt, b, c, past, both, d, e, waiter.wait(), waiter.publish(1n), await waiter.waitAsync()]);`);
    expect(run.out, run.stderr).toEqual([
      // biome-ignore format: one answer each
      ["due", true, ["due", true], ["until", true], "until", "due", ["kicked", "until"], ["stopped", "stopped"],
        "closed", false, "closed"],
    ]);
  });

  it("names the queue that is due, of up to 64", () => {
    const run = runChild(`${SETUP}
      const dues = Array.from({ length: 64 }, (_, i) => 1024 + 8 * i);
      const all = new BigUint64Array(memory.buffer, 1024, 64).fill(~0n);
      const many = addon.waiter(view, { ...WORDS, due: dues }, { spin: 10_000 });
      all[63] = inMs(8); all[17] = inMs(4);
      const first = [many.wait(), many.index];
      all[17] = ~0n;
      print([first, many.wait(), many.index, many.spinNs, refusal(() => many.publish(0n, 64))]);`);
    const spun = 10_000;
    expect(run.out, run.stderr).toEqual([
      [["due", 17], "due", 63, spun, expect.stringMatching(/^ERANGE: publish a deadline: no such queue/)],
    ]);
  });

  it("an earlier deadline from another thread, a kick and a stop wake a sleeper", () => {
    const run = runChild(`${SETUP} ${WORKER}
      const worker = startWorker(\`
        const id = open();
        const asleep = new BigUint64Array(view.buffer, 264, 1);
        const NONE = 0xffffffffffffffffn;
        const until = (word, value) => { while (Atomics.load(word, 0) !== value); };
        let woken = 0;
        for (let round = 0; round < 10; round++) {
          until(asleep, NONE);
          const at = raw.clockNs() + 20000000n;
          // as Wasm arms: a store, and a call only because someone sleeps for a later time; or all in one call
          if (round % 2 === 0) Atomics.store(due, 0, at);
          if (raw.waiterPublish(id, 0, round % 2 === 0 ? undefined : at)) woken++;
          until(due, NONE);
        }
        until(asleep, NONE);
        raw.waiterKick(id);
        until(due, 1n);
        Atomics.store(due, 0, NONE);
        until(asleep, NONE);
        const stop = raw.stopAt(view, 276, 1, raw.clockNs() + 3000000n);
        while (!raw.fired(stop)); // an environment that ends cancels it
        parentPort.postMessage(woken);\`);
      const woken = message(worker);
      const reasons = [];
      for (let round = 0; round < 10; round++) { reasons.push(waiter.wait()); Atomics.store(due, 0, ~0n); }
      reasons.push(waiter.wait());
      Atomics.store(due, 0, 1n);
      while (Atomics.load(due, 0) === 1n);
      reasons.push(waiter.wait());
      print([reasons, await woken]);`);
    const [reasons, woken] = (run.out[0] ?? []) as [string[], number];
    expect(reasons, run.stderr).toEqual([...Array<string>(10).fill("due"), "kicked", "stopped"]);
    expect(woken).toBeGreaterThan(5); // who is awake by chance, looking for its end, needs no waking
  });

  it("waitAsync leaves the event loop free, one at a time, and close settles it", () => {
    const run = runChild(`${SETUP}
      let ticks = 0;
      const ticking = setInterval(() => ticks++, 5);
      const first = waiter.waitAsync(inMs(100));
      const second = await waiter.waitAsync().catch((e) => e.code);
      const sync = refusal(() => waiter.wait(0n));
      const reasons = [await first];
      setTimeout(() => waiter.publish(inMs(1)), 10);
      reasons.push(await waiter.waitAsync());
      due[0] = ~0n;
      const last = waiter.waitAsync();
      await sleep(10);
      waiter.close();
      reasons.push(await last);
      clearInterval(ticking);
      print([reasons, second, sync.slice(0, 5), ticks > 5]);`);
    expect([run.status, run.out], run.stderr).toEqual([
      0,
      [[["until", "due", "closed"], "EBUSY", "EBUSY", true]],
    ]);
  });

  it("waiting without a deadline costs no CPU, and spinning is learned", () => {
    const run = runChild(`${SETUP}
      for (let i = 0; i < 300; i++) { due[0] = addon.clockNs() + 200000n; waiter.wait(); }
      const learned = waiter.spinNs;
      due[0] = ~0n;
      const before = process.cpuUsage();
      waiter.wait(inMs(1000));
      const { user, system } = process.cpuUsage(before);
      const off = addon.waiter(view, WORDS, { spin: "off" });
      off.wait(inMs(1));
      print([learned, user + system, off.spinNs]);`);
    const [learned, usedUs, off] = run.out[0] as [number, number, number];
    expect(learned, run.stderr).toBeGreaterThan(0);
    expect(learned).toBeLessThanOrEqual(150_000);
    expect(usedUs).toBeLessThan(50_000); // of a second; the engine's own threads are in it
    expect(off).toBe(0);
  });

  it("refuses words that are not the memory's, and arguments of other types", () => {
    const run = runChild(`${SETUP}
      const open = (change, options) => refusal(() => addon.waiter(view, { ...WORDS, ...change }, options).close());
      print([open({}), open({ due: view.length - 7 }), open({ due: -8 }), open({ due: NaN }), open({ asleep: 2 ** 60 }),
        open({ due: 4 }), open({ seq: 2 }), open({ stop: 0.5 }), open({ seq: 260 }), open({ due: [0, 0] }),
        open({ due: [] }), open({ due: Array.from({ length: 65 }, (_, i) => 8 * i + 1024) }), open({}, { spin: -1 })]);
      print([refusal(() => waiter.wait(5)), refusal(() => waiter.wait(-1n)), refusal(() => waiter.publish(2n ** 64n))]);`);
    expect(run.stderr).toBe("");
    const starts = (text: string) => expect.stringMatching(new RegExp(`^${text}`));
    const outside = starts("ERANGE: timer word outside of the memory");
    const unaligned = starts("EINVAL: timer word is not aligned");
    expect(run.out).toEqual([
      // biome-ignore format: one answer each
      ["accepted", outside, outside, outside, outside, unaligned, unaligned, unaligned, starts("EINVAL: timer words overlap"),
        starts("EINVAL: timer words overlap"), starts("TypeError"), starts("E2BIG"), starts("TypeError")],
      [starts("TypeError"), starts("TypeError"), starts("TypeError")],
    ]);
  });
});

onLinux("ownership of a CPU", () => {
  it("one at a time, in JavaScript and natively, over threads", () => {
    const run = runChild(`${SETUP} ${WORKER}
      const N = 20_000;
      const code = \`
        const words = new Uint32Array(view.buffer);
        for (let i = 0; i < 20000; i++) {
          const me = OWNER;
          if (i % 2 === 0 || Atomics.compareExchange(words, 32, 0, me) !== 0) raw.cpuAcquire(view, 128, me, i % 3 * 1000, undefined);
          words[33]++;
          if (Atomics.compareExchange(words, 32, me, 0) !== me) raw.cpuRelease(view, 128, me);
        }
        parentPort.postMessage("done");\`;
      await Promise.all([1, 2, 3].map((me) => message(startWorker(code.replace("OWNER", String(me))))));
      print([words[33] === 3 * N, words[32]]);`);
    expect(run.out, run.stderr).toEqual([[true, 0]]);
  });

  it("times out, refuses a second time and a stranger's release", () => {
    const run = runChild(`
      const a = addon.cpuAcquire(view, 128, 1);
      const [b, ms] = ((start) => [addon.cpuAcquire(view, 128, 2, { untilNs: inMs(80), spinNs: 1000 }), Number(addon.clockNs() - start) / 1e6])(addon.clockNs());
      print([a, b, ms >= 80, refusal(() => addon.cpuAcquire(view, 128, 1)), refusal(() => addon.cpuRelease(view, 128, 2)),
        refusal(() => addon.cpuRelease(view, 128, 1)), refusal(() => addon.cpuRelease(view, 128, 1)), words[32],
        refusal(() => addon.cpuAcquire(view, 128, 0)), refusal(() => addon.cpuAcquire(view, 130, 1)),
        refusal(() => addon.cpuAcquire(view, view.length, 1))]);`);
    const starts = (text: string) => expect.stringMatching(new RegExp(`^${text}`));
    expect(run.out, run.stderr).toEqual([
      // biome-ignore format: one answer each
      [true, false, true, starts("EDEADLK"), starts("EPERM"), "accepted", starts("EPERM"), 0, starts("EINVAL"),
        starts("EINVAL"), starts("ERANGE")],
    ]);
  });
});

onLinux("lifetime of waits", () => {
  it("process.exit while a Worker waits, another waits for a CPU and a thread waits", () => {
    const run = runChild(`${SETUP} ${WORKER}
      words[32] = 7;
      const a = startWorker('const id = open(); parentPort.postMessage(1); raw.waiterWait(id, undefined); parentPort.postMessage("woke");');
      const b = startWorker('parentPort.postMessage(1); raw.cpuAcquire(view, 128, 1, 0, undefined); parentPort.postMessage("owned");');
      await Promise.all([message(a), message(b)]);
      const other = addon.waiter(new Uint8Array(makeMemory().buffer), WORDS);
      other.waitAsync(inMs(1)); addon.waiter(new Uint8Array(makeMemory().buffer), WORDS).waitAsync();
      await sleep(20);
      print("exit");
      process.exit(7);`);
    expect([run.status, run.signal, run.out, run.stderr]).toEqual([7, null, ["exit"], ""]);
  });

  it("a Worker is terminated while it waits, and while its thread does; afterwards nothing is written", () => {
    const run = runChild(`${SETUP} ${WORKER}
      const rounds = [];
      for (const how of ["raw.waiterWait(open(), undefined)", "raw.waiterWait(open(false), raw.clockNs() + 3600000000000n)",
        "raw.waiterWaitAsync(open(), undefined)", "for (;;) { Atomics.store(due, 0, raw.clockNs() + 100000n); raw.waiterWait(id, undefined); }",
        "(function again() { Atomics.store(due, 0, raw.clockNs() + 50000n); raw.waiterWaitAsync(id, undefined).then(again); })()",
        "raw.waiterWaitAsync(open(), undefined); for (;;);"]) {
        due[0] = ~0n;
        const worker = startWorker("const id = open(); parentPort.postMessage(1); " + how);
        await message(worker);
        await sleep(30);
        const start = Date.now();
        await worker.terminate();
        rounds.push(Date.now() - start < 2000 && new BigUint64Array(memory.buffer, 264, 1)[0] === 0n);
      }
      const seq = words[68];
      await sleep(20);
      print([rounds, words[68] === seq]);`);
    expect([run.status, run.signal, run.out], run.stderr).toEqual([
      0,
      null,
      [[[true, true, true, true, true, true], true]],
    ]);
  });

  it("neither memory nor promise is collected during a wait", () => {
    const run = runChild(`${SETUP}
      const waits = [];
      for (let i = 0; i < 20; i++) {
        const v = new Uint8Array(makeMemory(16).buffer);
        new BigUint64Array(v.buffer)[0] = inMs(50 + i);
        waits.push(addon.waiter(v, { due: 0, asleep: 8, seq: 16, stop: 20, now: 24 }).waitAsync());
      }
      for (let i = 0; i < 5; i++) { gc(); await sleep(10); }
      print((await Promise.all(waits)).every((r) => r === "due"));
      gc();
      addon.waiter(new Uint8Array(makeMemory().buffer), WORDS); // never waits, never closed`);
    expect([run.status, run.signal, run.out], run.stderr).toEqual([0, null, [true]]);
  });

  it("a waiter that is idle does not keep the process; one that waits does", () => {
    const run = runChild(`${SETUP}
      await waiter.waitAsync(inMs(5));
      waiter.waitAsync(inMs(60)).then((reason) => print(reason));`);
    expect([run.status, run.out], run.stderr).toEqual([0, ["until"]]);
  });
});
