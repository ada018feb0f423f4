// Segments: shared by processes, refused when they are not ours, truncated by strangers.
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { runChild, startChild } from "./child.ts";

vi.setConfig({ testTimeout: 30_000 }); // child processes or a full second of work, on a busy machine

const SIZE = 65536;

describe.skipIf(process.platform !== "linux")("segments", () => {
  let dir = "";
  beforeAll(() => {
    dir = mkdtempSync("/dev/shm/softirq-test-");
  });
  afterAll(() => rmSync(dir, { recursive: true }));

  it("two processes count in one segment, at different addresses, from Wasm, JavaScript and a third at the end", async () => {
    const path = join(dir, "counters");
    const script = `
      const off = 65536 * Number(process.argv[2]);
      const { mapping, created } = attachSegment(addon, {
        path: process.argv[1], view, off, size: ${SIZE}, stop: { off: 64 },
        init: () => { words[off / 4 + 2] = 4711; },
      });
      const n = 1_000_000;
      count(off, n);
      const big = new BigInt64Array(memory.buffer);
      for (let i = 0; i < 100_000; i++) Atomics.add(big, off / 8, 1n);
      memory.grow(1);
      count(off, 1000);
      print([created, words[off / 4 + 2], mapping.faulted]);`;
    const runs = [startChild(script, path, "1"), startChild(script, path, "3")];
    const results = await Promise.all(runs.map((r) => r.done));
    expect(results.map((r) => String(r.out[0])).toSorted(), results.map((r) => r.stderr).join()).toEqual([
      "false,4711,false",
      "true,4711,false",
    ]);
    const after = runChild(
      `attachSegment(addon, { path: process.argv[1], view, off: 131072, size: ${SIZE}, stop: { off: 64 }, init() {} });
       print(new BigInt64Array(memory.buffer)[131072 / 8]);`,
      path,
    );
    expect(after.out, after.stderr).toEqual(["2202000"]);
    expect(statSync(path).mode & 0o7777).toBe(0o600);
  });

  it("an unmapped range is private zeros; the segment keeps its bytes; closed and again mapped", () => {
    const run = runChild(`
      view.fill(9);
      const a = addon.anonymousSegment(${SIZE});
      const m1 = addon.map(view, 65536, a, { off: 0 });
      const m2 = addon.map(view, 131072, a, { off: 0 });
      const fresh = view[65536];
      view[65536 + 5] = 77;
      const seen = view[131072 + 5];
      m1.unmap(); m1.unmap();
      a.close(); a.close();
      print([fresh, seen, view[65536 + 5], view[131072 + 5], view[65535], view[196608], m1.faulted]);
      m2.unmap();`);
    expect(run.out, run.stderr).toEqual([[0, 77, 0, 77, 9, 9, false]]);
  });

  it("truncation by someone else ends the run, not the process", async () => {
    const path = join(dir, "cut");
    const { child, firstLine, done } = startChild(
      `const { mapping } = attachSegment(addon, { path: process.argv[1], view, off: 65536, size: ${SIZE}, stop: { off: 64, value: 5 }, init() {} });
       view[65536 + 40000] = 1;
       const before = mapping.faulted;
       print("in the loop");
       spin_load(64, 65536 + 40000);
       view[65536] = 3;
       count(65536 + 4096, 10);
       print([before, mapping.faulted, words[16], view[65536], view[65536 + 40000]]);
       mapping.unmap();
       print([mapping.faulted, view[65536]]);`,
      path,
    );
    await firstLine;
    truncateSync(path, 0);
    const run = await done;
    expect([run.status, run.signal, run.out], run.stderr).toEqual([
      0,
      null,
      ["in the loop", [false, true, 5, 3, 0], [true, 0]],
    ]);
    expect(child.killed).toBe(false);
  });

  it("a SIGBUS that is not ours takes its old way", () => {
    const run = runChild(`addon.map(view, 65536, addon.anonymousSegment(${SIZE}), { off: 0 });
      print("mapped"); process.kill(process.pid, "SIGBUS"); spin(64);`);
    expect([run.out, run.signal], run.stderr).toEqual([["mapped"], "SIGBUS"]);
  });

  it("refuses files that are not exactly a segment of ours", () => {
    const file = (name: string, mode: number, size = SIZE) => {
      writeFileSync(join(dir, name), new Uint8Array(size));
      chmodSync(join(dir, name), mode);
    };
    file("good", 0o600);
    file("open", 0o644);
    file("short", 0o600, SIZE - 1);
    symlinkSync(join(dir, "good"), join(dir, "link"));
    linkSync(join(dir, "good"), join(dir, "second-name"));
    mkdirSync(join(dir, "sub"));
    const names = ["good", "second-name", "none", "open", "short", "link", "sub", "good/x"];
    const run = runChild(
      `print(${JSON.stringify(names)}.map((n) => refusal(() => addon.openSegment(process.argv[1] + "/" + n, ${SIZE}).close())));
       print([0, 4095, 2 ** 52, -1].map((n) => refusal(() => addon.anonymousSegment(n))));
       print([refusal(() => addon.openSegment("a\\0b", ${SIZE})), refusal(() => addon.createSegment(process.argv[1] + "/none", ${SIZE})),
         refusal(() => addon.createSegment(process.argv[1], ${SIZE}).publish(process.argv[1] + "/good")),
         refusal(() => attachSegment(addon, { path: process.argv[1] + "/link", view, off: 65536, size: ${SIZE}, stop: { off: 0 }, init() {} }))]);`,
      dir,
    );
    expect(run.stderr).toBe("");
    const starts = (text: string) => expect.stringMatching(new RegExp(`^${text}`));
    expect(run.out).toEqual([
      [
        "accepted",
        "accepted",
        starts("ENOENT: open segment"),
        starts("EPERM: open segment: its mode is not 0600"),
        starts("EINVAL: open segment: it has another size"),
        starts("ELOOP: open segment: it is a symbolic link"),
        starts("EISDIR: open segment"),
        starts("ENOTDIR: open segment"),
      ],
      [starts("EINVAL"), starts("EINVAL"), starts("EFBIG"), starts("TypeError")],
      [starts("TypeError"), starts("ENOENT"), starts("EEXIST"), starts(`ELOOP: segment ${dir}/link: `)],
    ]);
  });

  it.skipIf(process.geteuid?.() !== 0)("refuses a segment of another owner", () => {
    const path = join(dir, "theirs");
    writeFileSync(path, new Uint8Array(SIZE), { mode: 0o600 });
    const run = runChild(
      `fs.chownSync(process.argv[1], 12345, 12345); print(refusal(() => addon.openSegment(process.argv[1], ${SIZE})));`,
      path,
    );
    expect(run.out, run.stderr).toEqual([
      expect.stringMatching(/^EPERM: open segment: it belongs to another user/),
    ]);
  });

  it("refuses ranges that are not whole pages of a Wasm memory", () => {
    const run = runChild(`
      const s = addon.anonymousSegment(${SIZE});
      const at = (v, off, stop = { off: 0 }) => refusal(() => addon.map(v, off, s, stop).unmap());
      const first = addon.map(view, 65536, s, { off: 0 });
      const closed = addon.anonymousSegment(${SIZE}); closed.close();
      print([at(view, 131072), at(view, 65536), at(view, 65536 + 4096), at(view, 100), at(view, view.length - 4096), at(view, view.length),
        at(view, 2 ** 52), at(view.subarray(4096), 4096), at(new Uint8Array(1 << 20), 65536), at(view, 131072, { off: 131072 }),
        at(view, 131072, { off: view.length }), at(view, 131072, { off: 2 }), at(view, 131072, { off: 0, value: 0 }),
        refusal(() => addon.map(view, 131072, closed, { off: 0 }))]);
      view[65536] = 1;`);
    const starts = (text: string) => expect.stringMatching(new RegExp(`^${text}`));
    expect(run.out, run.stderr).toEqual([
      [
        "accepted",
        starts("EBUSY: map a segment: the range is in use"),
        starts("EBUSY"),
        starts("EINVAL: map a segment: the range is not page-aligned"),
        starts("ERANGE"),
        starts("ERANGE"),
        starts("ERANGE"),
        starts("EINVAL: map a segment: not the view of a whole"),
        starts("EINVAL"),
        starts("EINVAL: map a segment: stop word is misplaced"),
        starts("EINVAL"),
        starts("EINVAL"),
        starts("EINVAL"),
        starts("EBADF"),
      ],
    ]);
  });

  it("the user's directory is his alone", () => {
    const run = runChild(
      `const mine = process.argv[1] + "/mine", open = process.argv[1] + "/wide", link = process.argv[1] + "/to-mine";
       const made = segmentDirectory(mine) === segmentDirectory(mine);
       fs.mkdirSync(open); fs.chmodSync(open, 0o777); fs.symlinkSync(mine, link);
       print([made, fs.statSync(mine).mode & 0o777, refusal(() => segmentDirectory(open)), refusal(() => segmentDirectory(link))]);`,
      dir,
    );
    expect(run.out, run.stderr).toEqual([
      [
        true,
        0o700,
        expect.stringMatching(/^EPERM: .*open to other users/),
        expect.stringMatching(/^ENOTDIR: /),
      ],
    ]);
  });

  it("mappings and memories come and go; no range stays behind", () => {
    const run = runChild(`
      for (let i = 0; i < 200; i++) {
        const v = new Uint8Array(makeMemory(2).buffer);
        const s = addon.anonymousSegment(${SIZE});
        const m = addon.map(v, 65536, s, { off: 0 });
        s.close();
        v[65536] = i;
        m.unmap();
        if (i % 20 === 0) { gc(); await sleep(1); }
      }
      print(fs.readFileSync("/proc/self/maps", "utf8").includes("memfd:softirq"));`);
    expect([run.status, run.out], run.stderr).toEqual([0, [false]]);
  });
});
