// softirq list: what an object holds, read without loading anything.
import type { ObjectSpec, ProgSpec, VariableSpec } from "../elf/object_spec.ts";
import { openObject } from "../../runtime/load/open.ts";
import { OBJECT_OPTIONS } from "./object_options.ts";
import { EXIT, defineCommand } from "./command.ts";
import { fmtTable, printJson } from "./output.ts";

/** Instruction slots of 8 bytes: ld_imm64 counts twice. */
const slots = (prog: ProgSpec): number => prog.insns.length;

function variableType(spec: ObjectSpec, v: VariableSpec): string {
  return spec.btf === undefined || v.typeId === 0 ? "" : spec.btf.typeName(v.typeId);
}

function describe(spec: ObjectSpec) {
  return {
    programs: spec.progs.map((p) => ({ name: p.name, section: p.section, type: p.type, insns: slots(p) })),
    maps: spec.maps.map((m) => ({
      name: m.name,
      type: m.type,
      key_size: m.keySize,
      value_size: m.valueSize,
      max_entries: m.maxEntries,
      flags: m.flags,
    })),
    variables: spec.variables.map((v) => ({
      section: v.section,
      name: v.name,
      size: v.size,
      type: variableType(spec, v),
    })),
  };
}

export const list = defineCommand({
  name: "list",
  operands: "OBJECT",
  summary: "programs, maps and global variables of an object",
  options: OBJECT_OPTIONS,
  run: ({ operands, options }) => {
    const { spec } = openObject(operands[0] ?? "", options);
    const found = describe(spec);
    if (options.json === true) {
      printJson(found);
      return EXIT.ok;
    }
    const sections = [
      fmtTable(
        ["PROGRAM", "SECTION", "TYPE", "INSNS"],
        found.programs.map((p) => [p.name, p.section, p.type, p.insns]),
      ),
      fmtTable(
        ["MAP", "TYPE", "KEY", "VALUE", "MAX_ENTRIES", "FLAGS"],
        found.maps.map((m) => [
          m.name,
          m.type,
          m.key_size,
          m.value_size,
          m.max_entries,
          `0x${m.flags.toString(16)}`,
        ]),
      ),
      fmtTable(
        ["VARIABLE", "SECTION", "SIZE", "TYPE"],
        found.variables.map((v) => [v.name, v.section, v.size, v.type]),
      ),
    ];
    process.stdout.write(`${sections.filter((s) => s !== "").join("\n\n")}\n`);
    return EXIT.ok;
  },
});
