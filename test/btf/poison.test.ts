// Insns that could not be resolved, met by the verifier: named in libbpf's words, in the message and in the log. The
// words are those libbpf 1.5 wrote for this object on Linux 6.18.
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { OWN_BTF } from "../../runtime/load/outside.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";
import { fmtCoreRelo } from "../../src/btf/core_text.ts";
import { parseBtf } from "../../src/btf/parse.ts";
import { BtfBuilder } from "./build.ts";

const path = fileURLToPath(new URL("../elf/objects/kernel.o", import.meta.url));
const opened = openObject(path, { btf: OWN_BTF });

// biome-ignore format: table
const rows = [
  ["unguarded_field", 1, "<invalid CO-RE relocation>", "failed to resolve CO-RE relocation <byte_off> [27] struct sk_buff___elsewhere.no_such_field (0:0 @ offset 0)"],
  ["unguarded_enum",  0, "<invalid CO-RE relocation>", "failed to resolve CO-RE relocation <enumval_value> [30] enum no_such_enum::NO_SUCH_VALUE = 7"],
  ["unguarded_call",  0, "<invalid kfunc call>",       "kfunc 'bpf_no_such_function' is referenced but wasn't resolved"],
] as const;
it.each(rows)("%s", (name, insn, call, message) => {
  const [verdict] = verifyEach(opened.spec, [opened.prog(name)], 1, opened.outside);
  expect(verdict).toMatchObject({ accept: false, errno: "EINVAL", insn, message });
  expect(verdict?.log?.slice(-3, -1)).toEqual([`${insn}: ${call}`, message]);
  expect(verdict?.log?.join("\n")).not.toContain("unknown#");
});

it("what is guarded is never met", () => {
  const [verdict] = verifyEach(opened.spec, [opened.prog("guarded")], 0, opened.outside);
  expect(verdict).toMatchObject({ accept: true });
});

describe("a relocation in words", () => {
  const b = new BtfBuilder();
  const int = b.int("int", 4, 1);
  const arr = b.add("array", "", 0, 0, [int, int, 8]);
  const inner = b.struct("", 4, [
    ["x", int, 0, 3],
    ["y", int, 3, 5],
  ]);
  const outer = b.struct("outer", 40, [
    ["a", arr, 0],
    ["", inner, 256],
  ]);
  const signed = b.add("enum", "neg", 1, 4, [b.str("MINUS"), -1], true);
  const big = b.add("enum64", "big", 1, 8, [b.str("BIG"), 1, 0x80000000]);
  const btf = parseBtf(b.bytes(), "t").btf;
  // biome-ignore format: table
  it.each([
    [0, outer,  "0:0:2", "<byte_off> [4] struct outer.a[2] (0:0:2 @ offset 8)"],
    [0, outer,  "1:0:2", "<byte_off> [4] struct outer[1].a[2] (1:0:2 @ offset 48)"],
    [4, outer,  "0:1:1", "<lshift_u64> [4] struct outer.y (0:1:1 @ offset 32.3)"],
    [2, outer,  "0:1:0", "<field_exists> [4] struct outer.x (0:1:0 @ offset 32)"],
    [9, outer,  "0",     "<type_size> [4] struct outer"],
    [8, inner,  "0",     "<type_exists> [3] struct <anon>"],
    [10, signed, "0",    "<enumval_exists> [5] enum neg::MINUS = -1"],
    [11, big,   "0",     "<enumval_value> [6] enum64 big::BIG = 9223372036854775809"],
  ] as const)("kind %i of type %i at %s", (kind, typeId, accessStr, text) => {
    expect(fmtCoreRelo(btf, { pc: 0, typeId, accessStr, kind })).toBe(text);
  });
});
