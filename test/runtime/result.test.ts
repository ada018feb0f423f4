// Result rows to objects and lines.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ROW_ERRNO, ROW_PACKET, ROW_SIZE, ROW_TS } from "../../runtime/memory/layout.ts";
import { decodeResult, fmtResult, type RowContext } from "../../runtime/replay/result.ts";

const ctx: RowContext = {
  verdicts: ["A", "B", "C", "D", "E"],
  frames: "xdp",
  mapName: () => 'tx"port',
  redirectTarget: (_, index) => (index % 2 === 0 ? index : undefined),
};

describe("result rows", () => {
  it("keeps all 64 bits of a timestamp and 53 of an index", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), fc.maxSafeNat(), (ts, i) => {
        const view = new DataView(new ArrayBuffer(ROW_SIZE));
        view.setBigUint64(ROW_TS, ts, true);
        view.setBigUint64(ROW_PACKET, BigInt(i), true);
        const result = decodeResult(view, 0, ctx);
        expect([result.ts_ns, result.i]).toEqual([ts.toString(), i]);
      }),
      { numRuns: 2000 },
    );
  });

  it("prints lines as JSON.stringify does", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(0xffffffff), { minLength: ROW_SIZE / 4, maxLength: ROW_SIZE / 4 }),
        fc.nat(5),
        fc.nat(4),
        (words, errno, verdict) => {
          const view = new DataView(new ArrayBuffer(ROW_SIZE));
          for (const [i, word] of words.entries())
            view.setUint32(i * 4, i === 6 ? word % 4 : i === 1 ? verdict : word, true);
          view.setUint32(ROW_ERRNO, errno < 2 ? 22 : 0, true);
          const result = decodeResult(view, 0, ctx);
          expect(fmtResult(result)).toBe(JSON.stringify(result));
        },
      ),
      { numRuns: 500 },
    );
  });
});
