// Global variables of an object by name: VAR, VAR.member, VAR[3]. Finds the section's bytes; how a value looks by
// BTF is btf/value's business, what exists after load is the object's.
import { type JsInput, type JsValue, findPlace, readPlace, writePlace } from "../../src/btf/value.ts";
import type { ObjectSpec, VariableSpec } from "../../src/elf/object_spec.ts";
import { BpfError } from "../../src/spec/errors.ts";

/** An integer as number or bigint, an array, a plain object, a string for char[], raw bytes. */
export type VariableValue = JsInput;

/** A path's variable and what follows its name. */
function findVariable(spec: ObjectSpec, path: string): { variable: VariableSpec; rest: string } {
  const name = /^[A-Za-z_]\w*/.exec(path)?.[0];
  if (name === undefined) throw new BpfError("EINVAL", `'${path}' is not a variable's name`);
  const found = spec.variables.filter((v) => v.name === name);
  const [variable, ...others] = found;
  if (variable === undefined) {
    const names = spec.variables.map((v) => v.name).join(", ");
    throw new BpfError("ENOENT", `${spec.name}: no global variable '${name}'; there are: ${names || "none"}`);
  }
  if (others.length > 0)
    throw new BpfError(
      "EINVAL",
      `${spec.name}: '${name}' is in ${found.map((v) => v.section).join(" and ")}`,
    );
  return { variable, rest: path.slice(name.length) };
}

/** The variable's own bytes within its section. */
function bytesOf(spec: ObjectSpec, variable: VariableSpec): Uint8Array {
  const data = spec.maps[variable.map]?.data;
  if (data === undefined || variable.off + variable.size > data.length)
    throw new Error(`variable '${variable.name}' lies in no data`);
  return data.subarray(variable.off, variable.off + variable.size);
}

/** Says which variable was meant. */
function named<T>(path: string, call: () => T): T {
  try {
    return call();
  } catch (cause) {
    if (!(cause instanceof BpfError)) throw cause;
    throw new BpfError(cause.code, `'${path}': ${cause.message}`, { cause });
  }
}

function writeInteger(bytes: Uint8Array, path: string, value: VariableValue): void {
  const n =
    typeof value === "bigint" || Number.isSafeInteger(value) ? BigInt(value as bigint | number) : undefined;
  if (n === undefined) throw new BpfError("EINVAL", `'${path}' has no BTF type: only an integer can be set`);
  const bits = bytes.length * 8;
  if (bits > 64 || (BigInt.asUintN(bits, n) !== n && BigInt.asIntN(bits, n) !== n)) {
    throw new BpfError("ERANGE", `'${path}': ${n} does not fit ${bytes.length} bytes`);
  }
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number((n >> BigInt(i * 8)) & 0xffn);
}

export function setVariable(spec: ObjectSpec, path: string, value: VariableValue): void {
  const { variable, rest } = findVariable(spec, path);
  const bytes = bytesOf(spec, variable);
  const { btf } = spec;
  if (btf !== undefined && variable.typeId !== 0) {
    named(path, () => writePlace(btf, findPlace(btf, variable.typeId, rest), bytes, value));
  } else if (rest === "") writeInteger(bytes, path, value);
  else throw new BpfError("EINVAL", `'${path}': the object has no BTF to find a part by`);
}

/** The value by BTF; its bytes where there is none. */
export function getVariable(spec: ObjectSpec, path: string): JsValue | Uint8Array {
  const { variable, rest } = findVariable(spec, path);
  const bytes = bytesOf(spec, variable);
  const { btf } = spec;
  if (btf === undefined || variable.typeId === 0) return bytes.slice();
  return named(path, () => readPlace(btf, findPlace(btf, variable.typeId, rest), bytes));
}
