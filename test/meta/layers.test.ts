// The architecture as a test: who may import whom, and who alone may import what.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** A folder may import from itself and from those listed. */
// biome-ignore format: table
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/isa":      ["src/spec"],
  "src/spec":     [],
  "src/btf":      ["src/spec", "src/isa"],
  "src/elf":      ["src/spec", "src/isa", "src/btf"],
  "src/pcap":     ["src/spec"],
  "src/verifier": ["src/spec", "src/isa", "src/btf", "src/elf"],
  "jit":          ["src/spec", "src/isa", "src/verifier", "runtime/memory"],
  "runtime":      ["src/spec", "src/isa", "src/btf", "src/elf", "src/verifier", "src/pcap", "jit", "native"],
  "native":       ["src/spec"],
  "src/cli":      ["src/spec", "src/isa", "src/btf", "src/elf", "src/verifier", "src/pcap", "runtime"],
};

/** Modules that only one place may import. */
const ONLY_IN: Readonly<Record<string, (file: string) => boolean>> = {
  binaryen: (file) => file.startsWith("jit/"),
};

function sourceFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true, recursive: true })
    .filter((e) => e.isFile() && e.name.endsWith(".ts") && !e.name.endsWith(".d.ts"))
    .map((e) => relative(ROOT, join(e.parentPath, e.name)));
}

const roomOf = (file: string): string | undefined =>
  Object.keys(MAY_IMPORT)
    .filter((room) => file.startsWith(`${room}/`))
    .sort((a, b) => b.length - a.length)[0];

function importsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map((m) => m[1] ?? "");
}

// The Wasm library is AssemblyScript: its imports follow that compiler's rules.
const isAssemblyScript = (file: string) => file.startsWith("runtime/wasm/assembly/");
const files = ["src", "jit", "runtime", "native"].flatMap(sourceFiles).filter((f) => !isAssemblyScript(f));

describe("layers", () => {
  it("finds the sources", () => expect(files.length).toBeGreaterThan(20));

  it.each(files)("%s imports only what its layer may", (file) => {
    const room = roomOf(file);
    expect(room, "a file outside every known layer").toBeDefined();
    for (const specifier of importsOf(file)) {
      if (!specifier.startsWith(".")) {
        expect(ONLY_IN[specifier]?.(file) ?? true, `${file} imports ${specifier}`).toBe(true);
        continue;
      }
      const target = normalize(join(dirname(file), specifier));
      const to = roomOf(target);
      const allowed = to === room || (MAY_IMPORT[room ?? ""] ?? []).some((r) => target.startsWith(`${r}/`));
      expect(allowed, `${file} imports ${target}`).toBe(true);
    }
  });

  it("gives the right to issue proofs to verify() alone", () => {
    const users = files.filter((f) =>
      /\bissue\b/.test(readFileSync(join(ROOT, f), "utf8").replace(/\/\/.*|\/\*[^]*?\*\//g, "")),
    );
    const importers = users.filter(
      (f) =>
        importsOf(f).some((s) => s.endsWith("/proof.ts")) &&
        /import\s*\{[^}]*\bissue\b/.test(readFileSync(join(ROOT, f), "utf8")),
    );
    expect(importers).toEqual(["src/verifier/verify.ts"]);
  });
});
