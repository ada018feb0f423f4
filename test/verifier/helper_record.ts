// Records what the running kernel says of helpers: who may call which (helper_callers.jsonl), what each argument may
// be and what is returned (helper_args.jsonl).
//   tsx test/verifier/helper_record.ts LOADER callers|args > test/verifier/helper_….jsonl
// LOADER is prog_load.c built; needs root.
import { release } from "node:os";
import type { Insn } from "../../src/isa/insn.ts";
import { helperProto } from "../../src/spec/helpers.ts";
import {
  type Caller,
  CALLERS,
  encodeArgs,
  helperCases,
  helperInsns,
  type Recorded,
} from "./helper_programs.ts";
import { KERNEL_MAPS } from "./kernel_maps.ts";
import { type KernelProg, type KernelVerdict, loadInKernel } from "./kernel_load.ts";
import { bareCall, LAST_HELPER, letterOf } from "./helper_letters.ts";

const [loader = "", what = ""] = process.argv.slice(2);

function prog(c: Caller, insns: readonly (Insn | undefined)[], license = "GPL"): KernelProg {
  return { type: c.type, attach: c.attach, flags: c.flags ?? 0, insns, license };
}

function recordCallers(): void {
  for (const c of CALLERS) {
    const progs: KernelProg[] = [];
    for (let id = 1; id <= LAST_HELPER; id++) {
      progs.push(prog(c, bareCall(id)), prog(c, bareCall(id), "Proprietary"));
    }
    const verdicts = loadInKernel(loader, progs);
    const at = (i: number): string => (verdicts[i] as KernelVerdict).words;
    const letters = Array.from({ length: LAST_HELPER }, (_, i) => letterOf(at(2 * i), at(2 * i + 1)));
    console.log(JSON.stringify({ ...c, helpers: letters.join("") }));
  }
}

function recordArgs(): void {
  const cases = helperCases((id, c) => helperProto(id, c.type, c.attach));
  const verdicts = loadInKernel(
    loader,
    cases.map((c) => prog(c.caller, helperInsns(c.caller, c.proto.name, c.args))),
    { maps: KERNEL_MAPS, show: "call" },
  );
  const groups = new Map<string, Recorded>();
  cases.forEach(({ caller, proto, args }, i) => {
    const { errno, words } = verdicts[i] as KernelVerdict;
    const group = JSON.stringify([caller, proto.name]);
    const { answers } = getOr(groups, group, (): Recorded => ({ caller, helper: proto.name, answers: {} }));
    const answer = `${errno} ${words}`;
    answers[answer] =
      answers[answer] === undefined ? encodeArgs(args) : `${answers[answer]} ${encodeArgs(args)}`;
  });
  for (const group of groups.values()) console.log(JSON.stringify(group));
}

function getOr<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const value = map.get(key) ?? make();
  map.set(key, value);
  return value;
}

console.log(JSON.stringify({ release: release() }));
if (what === "callers") recordCallers();
else recordArgs();
