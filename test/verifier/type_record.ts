// Records type_kernel.jsonl on the running kernel: with which attach types each type loads, then what is said of the
// programs that only their type decides.
//   tsx test/verifier/type_record.ts LOADER > test/verifier/type_kernel.jsonl
// LOADER is prog_load.c built; needs root.
import { release } from "node:os";
import { ATTACH_TYPES, type ProgTypeName } from "../../src/spec/prog_types.ts";
import { SLEEPABLE } from "./ctx_programs.ts";
import { CALLERS } from "./helper_programs.ts";
import { assembleFor } from "./kernel_maps.ts";
import { loadInKernel, type KernelVerdict } from "./kernel_load.ts";
import { typePrograms } from "./type_programs.ts";

const [loader = ""] = process.argv.slice(2);

function accepted(type: ProgTypeName, flags: number): string {
  const insns = assembleFor("r0 = 1\nexit");
  const progs = ATTACH_TYPES.map((attach) => ({ type, attach, flags, insns }));
  return loadInKernel(loader, progs)
    .map(({ errno }) => (errno === 0 ? "1" : "0"))
    .join("");
}

console.log(JSON.stringify({ release: release() }));
for (const type of new Set(CALLERS.map((c) => c.type)))
  console.log(JSON.stringify({ type, awake: accepted(type, 0), asleep: accepted(type, SLEEPABLE) }));
for (const c of CALLERS) {
  const programs = [...typePrograms(c.type)];
  const verdicts = loadInKernel(
    loader,
    programs.map(([, source]) => ({ ...c, attach: c.attach, insns: assembleFor(source) })),
  );
  const answers = programs.map(([name], i) => {
    const { errno, words } = verdicts[i] as KernelVerdict;
    return [name, `${errno} ${words}`] as const;
  });
  console.log(JSON.stringify({ ...c, answers: Object.fromEntries(answers) }));
}
