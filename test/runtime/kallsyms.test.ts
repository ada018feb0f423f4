// Symbols are the same whether they are looked for one by one or in an index.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, it } from "vitest";
import { Kallsyms } from "../../runtime/load/kallsyms.ts";

const dir = mkdtempSync(join(tmpdir(), "softirq-kallsyms-"));
const path = join(dir, "kallsyms");
afterAll(() => rmSync(dir, { recursive: true }));

writeFileSync(
  path,
  "ffffffff81000000 T _text\nffffffff81000010 t twice\nffffffff81000020 D twice\n0000000000000000 A zero\n" +
    "ffffffffc0000000 t of_module\t[nf_nat]\nffffffff81000030 T last\n",
);

const NAMES: readonly [name: string, address: bigint | undefined][] = [
  ["_text", 0xffffffff81000000n],
  ["twice", 0xffffffff81000020n],
  ["zero", 0n],
  ["last", 0xffffffff81000030n],
  ["of_module", undefined],
  ["text", undefined],
  ["T last", undefined],
  ["", undefined],
];

it("asked for a few and for many", () => {
  const symbols = new Kallsyms(path);
  for (let round = 0; round < 30; round++)
    expect(NAMES.map(([name]) => symbols.address(name))).toEqual(NAMES.map(([, address]) => address));
});

it("without the list nothing is known", () => {
  const symbols = new Kallsyms(join(dir, "missing"));
  expect(symbols.isEmpty).toBe(true);
  expect(symbols.address("_text")).toBeUndefined();
});
