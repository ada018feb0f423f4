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

/** The rooms of the verifier: each loads from itself and from those before it. env.ts and verify.ts load from all; rooms know their types. */
// biome-ignore format: in the order of the table in src/verifier/README.md
const VERIFIER_ROOMS = [
  "scalar", "state", "log", "passes", "precision", "stack", "objects", "prune",
  "prog", "btf", "locks", "mem", "insns", "call", "kfunc",
].map((room) => `src/verifier/${room}`);

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

/** What a file loads when it runs: `import type` is gone by then, `import { type T }` is not. */
function loadsOf(file: string): string[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return [...text.matchAll(/^(?:import|export)\s(?!type\b)[^;"]*"(\.[^"]+)"/gm)].map((m) =>
    normalize(join(dirname(file), m[1] ?? "")),
  );
}

/** One path of imports that ends where it began, or undefined. */
function findCycle(loads: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(file);
    if (at >= 0) return [...path.slice(at), file];
    if (done.has(file)) return undefined;
    for (const next of loads.get(file) ?? []) {
      const cycle = walk(next, [...path, file]);
      if (cycle !== undefined) return cycle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of loads.keys()) {
    const cycle = walk(file, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
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

  it("sees which imports are for types alone", () => {
    expect(loadsOf("src/verifier/call/callback.ts")).toContain("src/verifier/call/subprog.ts");
    expect(loadsOf("src/verifier/call/callback.ts")).not.toContain("src/verifier/env.ts");
    expect(
      findCycle(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
    ).toEqual(["b", "c", "b"]);
  });

  it("the verifier's rooms load only from themselves and from those before them", () => {
    const inRooms = files.filter((f) => f.startsWith("src/verifier/") && f.split("/").length > 3);
    const wrong = inRooms.flatMap((file) => {
      const room = VERIFIER_ROOMS.indexOf(dirname(file));
      const loads = loadsOf(file).filter((target) => target.startsWith("src/verifier/"));
      const isBelow = (target: string): boolean => {
        const to = VERIFIER_ROOMS.indexOf(dirname(target));
        return to >= 0 && to <= room;
      };
      return loads
        .filter((target) => room < 0 || !isBelow(target))
        .map((target) => `${file} loads ${target}`);
    });
    expect(wrong).toEqual([]);
  });

  it("has no cycles of imports", () => {
    expect(findCycle(new Map(files.map((f) => [f, loadsOf(f)])))).toBeUndefined();
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
