// The kernel an object is for, by files: its types alone or within an ELF file.
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Outside } from "../../runtime/load/outside.ts";
import { findSectionData } from "../../src/elf/elf.ts";

const FEATURES = fileURLToPath(new URL("../elf/objects/features.o", import.meta.url));
let dir = "";
const file = (name: string, bytes: Uint8Array): string => {
  const path = join(dir, name);
  writeFileSync(path, bytes);
  return path;
};
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), "softirq-btf-"));
});
afterAll(() => rmSync(dir, { recursive: true }));

describe("types from a file", () => {
  const types = findSectionData(readFileSync(FEATURES), "f", ".BTF")?.bytes ?? new Uint8Array(0);
  it("alone and in an ELF file are the same", () => {
    const alone = new Outside({ btf: file("types.btf", types) }).kernelBtf();
    const inside = new Outside({ btf: FEATURES }).kernelBtf();
    expect(inside?.find("local_flow", "struct")).toMatchObject({ name: "local_flow" });
    expect(inside?.types).toEqual(alone?.types);
  });
  it.each([
    ["no BTF at all", Buffer.from("#!/bin/sh\necho no types here\n"), /not BTF: magic is 0x2123/],
    ["an empty file", new Uint8Array(0), /the header needs 24 bytes/],
    ["an ELF file cut off", readFileSync(FEATURES).subarray(0, 40), /the ELF header needs 64 bytes/],
  ] as const)("%s is refused in one line with the path", (name, bytes, says) => {
    const path = file(name, bytes);
    expect(() => new Outside({ btf: path })).toThrow(says);
    expect(() => new Outside({ btf: path })).toThrow(path);
  });
  it("an ELF file without types is refused", () => {
    const path = fileURLToPath(new URL("../elf/objects/legacy.o", import.meta.url));
    expect(() => new Outside({ btf: path })).toThrow("an ELF file without a section .BTF");
  });
});

describe("a configuration from a file", () => {
  it("that is not there is refused before anything asks for it", () =>
    expect(() => new Outside({ kconfig: "/no/such/config" })).toThrow("/no/such/config"));
});

const KALLSYMS = "/proc/kallsyms";

describe.skipIf(!existsSync(KALLSYMS))("addresses of the running kernel", () => {
  // as a whole file read line by line has them: of the kernel itself, the last of a name
  const lines = readFileSync(existsSync(KALLSYMS) ? KALLSYMS : "/dev/null", "latin1").split("\n");
  const own = lines.flatMap((line) => (line.includes("\t") || line === "" ? [] : [line.split(" ")]));
  const last = new Map(own.map(([addr = "", , name = ""]) => [name, BigInt(`0x${addr}`)]));
  const seen = new Set<string>();
  const twice = own.find(([, , name = ""]) => seen.has(name) || !seen.add(name))?.[2];
  it.each([own[0]?.[2], own.at(-1)?.[2], "_text", twice])("of %s", (name = "") =>
    expect(new Outside().address(name)).toBe(last.get(name)),
  );
  it.each(["", "no_such_symbol_anywhere", "T _text", "_tex"])("none of '%s'", (name) =>
    expect(new Outside().address(name)).toBeUndefined(),
  );
});
