// The name a map has in the kernel, as libbpf gives it: what the verifier's log prints.
import type { MapSpec, ObjectSpec } from "../../src/elf/object_spec.ts";

/** BPF_OBJ_NAME_LEN, with the byte that ends the name */
const NAME_LEN = 16;
/** libbpf keeps room for the longest of .data, .rodata, .bss */
const MIN_SUFFIX = 7;

/** Global data is named after the object and the section, cut so that both can be seen; .data.mine is .data.mine. */
export function kernelMapName(spec: ObjectSpec, map: MapSpec): string {
  const isPlainData = map.data !== undefined && /^\.[^.]*$/.test(map.name);
  if (!isPlainData) return map.name.slice(0, NAME_LEN - 1);
  const suffix = Math.min(Math.max(MIN_SUFFIX, map.name.length), NAME_LEN - 1);
  const object = (spec.name.split("/").at(-1) ?? "").replace(/\..*$/s, "").slice(0, NAME_LEN - suffix - 1);
  return `${object}${map.name.slice(0, suffix)}`.replace(/[^A-Za-z0-9_.]/g, "_");
}
