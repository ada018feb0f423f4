// What emitted modules may ask of their host: memory, the table, nothing else. No JavaScript on a packet's path.
import { readdirSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { verifyEach } from "../../runtime/load/verdict.ts";

const OBJECTS = resolve(import.meta.dirname, "../objects");
const ALLOWED = new Set(["env.memory memory", "env.table table"]);

describe("imports of emitted modules", () => {
  it.each(readdirSync(OBJECTS).filter((f) => f.endsWith(".o")))("%s", async (file) => {
    const opened = openObject(join(OBJECTS, file));
    const accepted = verifyEach(opened.spec, opened.spec.progs).filter((v) => v.accept);
    expect(accepted.length).toBeGreaterThan(0);
    for (const checked of [false, true]) {
      using object = await loadObject(opened, { progs: accepted.map((v) => v.prog), checked, cache: false });
      for (const { name, engine } of object.progs.values()) {
        const module = new WebAssembly.Module(engine.wasm as BufferSource);
        const imports = WebAssembly.Module.imports(module).map((i) => `${i.module}.${i.name} ${i.kind}`);
        expect(imports, name).toContain("env.memory memory");
        expect(
          imports.filter((i) => !ALLOWED.has(i)),
          name,
        ).toEqual([]);
      }
    }
  });
});
