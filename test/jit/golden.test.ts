// What a few programs become, as text: a change of the lowering shows here as a diff that is read as code.
// BLESS=1 rewrites the expected text.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import binaryen from "binaryen";
import { expect, it } from "vitest";
import { createModule, tableName } from "../../jit/emit/module.ts";
import { OPT_PASSES } from "../../jit/opt/passes.ts";
import { lowerProg, subprogName } from "../../jit/lower/prog.ts";
import { assemble } from "../../src/isa/asm.ts";
import type { Access } from "../../src/verifier/proof.ts";
import { findSubprogs } from "./harness.ts";

const DIR = new URL("golden/", import.meta.url);
const MARK = "-- wat\n";

/** The functions of the program, without the module around them. */
function lowerText(asm: string): string {
  const insns = assemble(asm);
  // every access that does not name the frame pointer is to a packet
  const access: Access = { kinds: ["pkt"], write: false, maps: [] };
  const aux = insns.map((insn) => {
    if (insn === undefined) return undefined;
    return "base" in insn && insn.base !== 10 ? { seen: true, access } : { seen: true };
  });
  const m = createModule(binaryen, undefined);
  try {
    lowerProg({
      b: binaryen,
      m,
      insns,
      aux,
      subprogs: findSubprogs(insns, { stackEscapes: false }),
      maps: [],
      loopHeads: new Set(),
      options: { checked: false, concurrency: "shared", tableBase: 1, passes: OPT_PASSES },
      table: tableName(binaryen, m),
      libFunction: () => undefined,
      subprogName,
    });
    expect(m.validate()).toBe(1);
    const text = m.emitText();
    return text.slice(text.indexOf(" (func $"), text.lastIndexOf(")")).replace(/^ /gm, "");
  } finally {
    m.dispose();
  }
}

it.each(readdirSync(DIR))("%s", (name) => {
  const path = new URL(name, DIR);
  const [head = "", want = ""] = readFileSync(path, "utf8").split(MARK);
  const asm = head.slice(head.indexOf("-- asm\n") + "-- asm\n".length);
  const got = lowerText(asm);
  if (process.env["BLESS"] === "1") writeFileSync(path, `${head}${MARK}${got}`);
  else expect(got, "BLESS=1 npx vitest run test/jit/golden.test.ts accepts the change").toBe(want);
});
