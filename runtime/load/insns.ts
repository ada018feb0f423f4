// A program given as bare insns, without an object file around it.
import type { ObjectSpec } from "../../src/elf/object_spec.ts";
import { decodeInsns } from "../../src/isa/decode.ts";
import type { ProgTypeName } from "../../src/spec/prog_types.ts";
import { OpenObject } from "./open.ts";

/** An object of one program `name` and no maps; `code` is insns as they lie on the wire. */
export function openInsns(code: Uint8Array, name = "prog", type: ProgTypeName = "xdp"): OpenObject {
  const spec: ObjectSpec = {
    name,
    license: "GPL",
    btf: undefined,
    maps: [],
    variables: [],
    progs: [
      {
        name,
        section: type,
        type,
        flags: [],
        insns: decodeInsns(code),
        subprogs: [{ name, pc: 0, global: true }],
        lines: [],
        funcs: [],
        coreRelos: [],
        kfuncs: [],
        externs: [],
      },
    ],
  };
  return new OpenObject(spec);
}
