// What the log keeps: every line in its order, the end of what is too long, and no more than before a path that is
// taken back.
import { describe, expect, it } from "vitest";
import { VerifierLog } from "../../src/verifier/log/log.ts";

function written(level: 1 | 2, count: number): VerifierLog {
  const log = new VerifierLog(level);
  for (let i = 0; i < count; i++) log.line(`line ${i}`);
  return log;
}

describe("the verifier's log", () => {
  it.each([1, 2] as const)("keeps every line at level %i, and those with breaks whole", (level) => {
    const log = written(level, 1_234);
    log.line("; two\nlines @ a.c:1");
    log.insn("7: (95) exit");
    log.insnState(7, " R0=0");
    const { lines } = log;
    expect(lines).toHaveLength(1_236);
    expect(lines[0]).toBe("line 0");
    expect(lines[1_233]).toBe("line 1233");
    expect(lines[1_234]).toBe("; two\nlines @ a.c:1");
    expect(lines[1_235]).toMatch(/^7: \(95\) exit +; R0=0$/);
  });

  it.each([1, 2] as const)("puts a state behind its insn wherever that stands, at level %i", (level) => {
    for (let before = 495; before < 505; before++) {
      const log = written(level, before);
      log.insn("7: (95) exit");
      log.insnState(7, " R0=0");
      expect(log.lines).toHaveLength(before + 1);
      expect(log.lines[before]).toMatch(/^7: \(95\) exit +; R0=0$/);
    }
  });

  it.each([1, 2] as const)("loses the oldest half of 200,000 lines at level %i", (level) => {
    const { lines, pos } = written(level, 200_001);
    expect(pos).toBe(200_001);
    expect(lines).toHaveLength(100_001);
    expect(lines[0]).toBe("line 100000");
    expect(lines[100_000]).toBe("line 200000");
  });

  it("takes back what was written after a place", () => {
    const log = written(1, 1_000);
    const { pos } = log;
    log.line("a path that ends");
    log.reset(pos);
    log.line("the next");
    expect(log.lines).toHaveLength(1_001);
    expect(log.lines[1_000]).toBe("the next");
  });
});
