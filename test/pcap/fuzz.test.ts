// Two seconds of the fuzzer; every outcome must occur, or it no longer reaches what it is for.
import { expect, it } from "vitest";
import { fuzzPcapFor } from "../fuzz/pcap.ts";

it("mutated captures are refused or end", () => {
  const counts = fuzzPcapFor(2000, 1);
  expect(Object.keys(counts).sort()).toEqual(["corrupt", "eof", "refused", "truncated"]);
  for (const n of Object.values(counts)) expect(n).toBeGreaterThan(20);
});
