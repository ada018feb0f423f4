// Programs that throw (test/verifier/objects/throws.bpf.c): each verdict is the one Linux 6.18.44 gives, errno and last words.
import { join } from "node:path";
import { expect, it } from "vitest";
import { openObject } from "../../runtime/load/open.ts";
import { RUNNING } from "../../runtime/load/outside.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";

const OBJECTS = join(import.meta.dirname, "objects");

// biome-ignore format: table
const KERNEL: Readonly<Record<string, readonly [errno: string, words: string]>> = {
  throws:                 ["", ""],
  throws_below:           ["", ""],
  caught:                 ["", ""],
  caught_by_two:          ["EINVAL", "exception cb only supports single integer argument"],
  caught_twice:           ["EEXIST", "multiple exception callback tags for main subprog"],
  calls_its_catcher:      ["EINVAL", "insn 1 cannot call exception cb directly"],
  throws_in_callback:     ["EINVAL", "bpf_throw kfunc (insn 8) cannot be called from callback subprog 1"],
  sets_on_tick:           ["EINVAL", "bpf_throw kfunc (insn 16) cannot be called from callback subprog 1"],
  sets_on_tick_key:       ["EINVAL", "At async callback return the register R1 has smin=0 smax=4294967295 should have been in [0, 0]"],
  throws_while_reading:   ["EINVAL", "bpf_throw cannot be used inside bpf_rcu_read_lock-ed region"],
  returns_too_much:       ["EINVAL", "At program exit the register R1 has smin=7 smax=7 should have been in [0, 3]"],
  returns_what_is_caught: ["", ""],
};

it.skipIf(RUNNING.kernelBtf() === undefined).each(["throws.o", "throws.v4.o"])("%s", (file) => {
  const { spec } = openObject(join(OBJECTS, file));
  const have = verifyEach(spec, spec.progs).map((v) => [v.prog, v.accept ? ["", ""] : [v.errno, v.message]]);
  expect(Object.fromEntries(have)).toEqual(KERNEL);
});
