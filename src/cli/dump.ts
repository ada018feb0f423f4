// softirq dump: a program as insns, control-flow graph, WebAssembly text or bytes.
import { fmtInsn } from "../isa/disasm.ts";
import type { Imm64 } from "../isa/insn.ts";
import { HELPERS } from "../spec/helpers.ts";
import type { ObjectSpec, ProgSpec } from "../elf/object_spec.ts";
import { fmtCfgDot } from "../../runtime/load/cfg_dot.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { fmtWat } from "../../runtime/engine/wat.ts";
import { EXIT, UsageError, defineCommand } from "./command.ts";
import { ENGINE_OPTIONS, parseEngineOptions } from "./engine_options.ts";
import { fileError, printJson, writeAll } from "./output.ts";

const helperName = (id: number): string | undefined => {
  const row = HELPERS[id];
  return row === undefined ? undefined : `bpf_${row.name}`;
};

/** `map[name:flows]` where a 64-bit immediate is a map, as bpftool has it with ids. */
function fmtMapRef(spec: ObjectSpec, value: Imm64): string | undefined {
  if (value.kind === "map") return `map[name:${spec.maps[value.map]?.name ?? value.map}]`;
  if (value.kind === "map_value")
    return `map[name:${spec.maps[value.map]?.name ?? value.map}][0]+${value.off}`;
  return undefined;
}

const fmtOptions = (spec: ObjectSpec) => ({
  helperName,
  imm64: (value: Imm64) => fmtMapRef(spec, value),
});

/** Insns with source lines above them, as bpftool's `prog dump xlated` has them. */
function fmtInsns(spec: ObjectSpec, prog: ProgSpec): string[] {
  const lines = new Map(prog.lines.map((l) => [l.pc, l]));
  const subprogs = new Map(prog.subprogs.map((s) => [s.pc, s.name]));
  const options = { code: true, ...fmtOptions(spec) };
  return prog.insns.flatMap((insn, pc) => {
    if (insn === undefined) return [];
    const name = subprogs.get(pc);
    const line = lines.get(pc);
    return [
      ...(name === undefined ? [] : [`${name}:`]),
      ...(line === undefined || line.text === ""
        ? []
        : [`; ${line.text.trim()} @ ${line.file}:${line.line}`]),
      `${String(pc).padStart(4)}: ${fmtInsn(insn, options)}`,
    ];
  });
}

const FORMS = ["insns", "wat", "wasm", "cfg"] as const;

export const dump = defineCommand({
  name: "dump",
  operands: "OBJECT",
  summary: "what was loaded and what it became",
  options: {
    ...OBJECT_OPTIONS,
    prog: { type: "string", value: "NAME", help: "the program, by function name" },
    as: {
      type: "string",
      value: FORMS.join("|"),
      help: "insns (default), cfg in dot, wat or wasm as compiled",
    },
    ...ENGINE_OPTIONS,
  },
  run: async ({ operands, options }) => {
    const form = FORMS.find((f) => f === (options.as ?? "insns"));
    if (form === undefined)
      throw new UsageError(`dump: --as takes ${FORMS.join(", ")}, not '${options.as ?? ""}'`);
    const engine = parseEngineOptions("dump", options);
    const opened = openObject(operands[0] ?? "", options);
    const prog = opened.prog(options.prog);
    if (form === "insns" || form === "cfg") {
      const text = form === "insns" ? fmtInsns(opened.spec, prog) : fmtCfgDot(prog, fmtOptions(opened.spec));
      if (options.json === true) printJson({ prog: prog.name, [form]: text });
      else process.stdout.write(`${text.join("\n")}\n`);
      return EXIT.ok;
    }
    using object = await loadObject(opened, { ...engine, engine: "wasm", progs: [prog.name] });
    const { wasm } = object.prog(prog.name).engine;
    if (wasm === undefined) throw new Error("the wasm engine emitted no module");
    if (options.json === true) printJson({ prog: prog.name, wasm: Buffer.from(wasm).toString("base64") });
    else if (form === "wat") process.stdout.write(await fmtWat(wasm));
    else writeBinary(wasm);
    return EXIT.ok;
  },
});

function writeBinary(bytes: Uint8Array): void {
  if (process.stdout.isTTY) throw new UsageError("dump: --as wasm writes binary: redirect it to a file");
  try {
    writeAll(1, bytes);
  } catch (cause) {
    throw fileError("write", "-", cause);
  }
}
