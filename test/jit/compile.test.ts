// The gate with the real verifier and library: every program of the test objects that is accepted is compiled,
// plain and checked, and asks for memory and table only. And what the cache spares.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import {
  binaryenUrl,
  compile,
  type CompileOptions,
  type CompiledProg,
  type MapBinding,
  openCache,
} from "../../jit/compile.ts";
import { type MapShape, mapLayout } from "../../runtime/map/map_layout.ts";
import { openObject } from "../../runtime/load/open.ts";
import { verifyProg } from "../../runtime/load/prog.ts";
import { libBytes } from "../../runtime/wasm/lib.ts";
import type { MapDef, VerifiedProg } from "../../src/verifier/proof.ts";
import { VerifierError } from "../../src/verifier/error.ts";

const loads = vi.hoisted(() => ({ binaryen: 0 }));
vi.mock("binaryen", async (original) => {
  const { default: binaryen } = await original<typeof import("binaryen")>();
  return {
    get default() {
      loads.binaryen++;
      return binaryen;
    },
  };
});

const OBJECTS = new URL("../objects/", import.meta.url).pathname;
const MAPS_AT = 0x100_0000;

function bind(def: MapDef, address: number): MapBinding {
  const shape: MapShape = def;
  const { elemsOff, elemStride, valueOff, percpuStride, totalSize } = mapLayout(shape, 1);
  return { def, address, elemsOff, elemStride, valueOff, percpuStride, totalSize };
}

/** Programs of the objects that the verifier accepts; those of bad.o are there to be refused. */
function accepted(): (readonly [name: string, verified: VerifiedProg])[] {
  return readdirSync(OBJECTS)
    .filter((name) => name.endsWith(".o") && !name.startsWith("bad"))
    .flatMap((name) => {
      const { spec } = openObject(join(OBJECTS, name));
      return spec.progs.flatMap((prog) => {
        const verified = verifiedOrNothing(() => verifyProg(spec, prog));
        return verified === undefined ? [] : [[`${name} ${prog.name}`, verified] as const];
      });
    });
}

function verifiedOrNothing(verify: () => VerifiedProg): VerifiedProg | undefined {
  try {
    return verify();
  } catch (error) {
    if (error instanceof VerifierError) return undefined;
    throw error;
  }
}

const progs = accepted();

function compileNow(verified: VerifiedProg, options: Partial<CompileOptions> = {}): Promise<CompiledProg> {
  const maps = verified.prog.maps.map((def, i) => bind(def, MAPS_AT + i * 0x10_0000));
  return compile(verified, { maps, lib: libBytes() }, { tableBase: 1, cache: null, ...options });
}

const IMPORTS = new Set(["env.memory memory", "env.table table"]);

it("there is something to compile", () => expect(progs.length).toBeGreaterThan(15));

describe.each([false, true])("checked %s", (checked) => {
  it.each(progs)("%s", async (_, verified) => {
    const { wasm, table } = await compileNow(verified, { checked });
    const module = new WebAssembly.Module(wasm as BufferSource);
    const imports = WebAssembly.Module.imports(module).map(
      (entry) => `${entry.module}.${entry.name} ${entry.kind}`,
    );
    expect(imports.filter((entry) => !IMPORTS.has(entry))).toEqual([]);
    const exports = WebAssembly.Module.exports(module).map((entry) => entry.name);
    expect(exports.toSorted()).toEqual([...table.map((entry) => entry.exportName), "walk"].toSorted());
  });
});

describe("the gate", () => {
  it("takes nothing but what the verifier made", async () => {
    const [, verified] = progs[0]!;
    const forged = Object.create(
      Object.getPrototypeOf(verified) as object,
      Object.getOwnPropertyDescriptors(verified),
    ) as VerifiedProg;
    await expect(compileNow(forged)).rejects.toThrow("only a verified program can be compiled");
  });

  it("wants a binding for each map", async () => {
    const [, verified] = progs.find(([, { prog }]) => prog.maps.length > 0)!;
    const input = { maps: [], lib: libBytes() };
    await expect(compile(verified, input, { tableBase: 1, cache: null })).rejects.toThrow(
      "0 maps bound, the program has",
    );
  });
});

it("binaryen is asked for by name, under tsx past its loader", () => {
  const resolve = (name: string) => `file:///m/${name}.js`;
  for (const argv of [[], ["--expose-gc", "--import", "./tsxyz.mjs"]])
    expect(binaryenUrl(argv, resolve)).toBe("binaryen");
  for (const argv of [
    ["--import", "tsx"],
    ["--require", "/m/tsx/dist/preflight.cjs", "--import", "file:///m/tsx/dist/loader.mjs"],
  ])
    expect(binaryenUrl(argv, resolve)).toMatch(/^file:\/\/\/m\/binaryen.js\?tsx-namespace=\w+$/);
});

describe("a cached module", () => {
  let dir = "";
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "softirq-jit-"))));
  afterEach(() => rmSync(dir, { recursive: true, force: true }));

  it("is the same, and needs no binaryen", async () => {
    const [, verified] = progs[0]!;
    const cache = openCache({ dir: join(dir, "c") });
    const first = await compileNow(verified, { cache });
    const before = loads.binaryen;
    const second = await compileNow(verified, { cache });
    expect([first.cached, second.cached]).toEqual([false, true]);
    expect({ ...second, cached: false }).toEqual(first);
    expect(loads.binaryen).toBe(before);
    const other = await compileNow(verified, { cache, checked: true });
    expect(other.cached).toBe(false);
    expect(loads.binaryen).toBe(before + 1);
  });

  it("of other options is another one", async () => {
    const [, verified] = progs[0]!;
    const cache = openCache({ dir: join(dir, "c") });
    await compileNow(verified, { cache });
    expect((await compileNow(verified, { cache, tableBase: 2 })).cached).toBe(false);
    expect((await compileNow(verified, { cache, concurrency: "single" })).cached).toBe(false);
    expect((await compileNow(verified, { cache, opt: 0 })).cached).toBe(false);
    expect((await compileNow(verified, { cache })).cached).toBe(true);
  });
});
