// Some thousand cases of the fuzzer; every outcome must occur, or it no longer reaches what it is for.
import { expect, it, vi } from "vitest";
import { fuzzCaptures } from "../fuzz/pcap.ts";

vi.setConfig({ testTimeout: 30_000 }); // a full second of work, on a busy machine

it("mutated captures are refused or end", () => {
  const counts = fuzzCaptures(1, (done) => done < 5000);
  expect(Object.keys(counts).sort()).toEqual(["corrupt", "eof", "refused", "truncated"]);
  for (const n of Object.values(counts)) expect(n).toBeGreaterThan(100);
});
