// The verifier's two kinds of functions: `check…` may refuse and changes nothing that is known of the path, `step…` changes
// it and cannot refuse. Held by the text of each function's own body; what it calls is held in its place.
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";

const VERIFIER = resolve(import.meta.dirname, "../../src/verifier");

interface Fn {
  readonly name: string;
  readonly body: string;
}

/** Functions at the top of a file, as the formatter leaves them: from the name to a brace at the line's beginning. */
function functionsOf(text: string): Fn[] {
  return [...text.matchAll(/^(?:export )?function (\w+)[^]*?^\}/gm)].map((m) => ({
    name: m[1] ?? "",
    body: m[0].replace(/\/\/.*|\/\*[^]*?\*\//g, "").replace(/^[^\n]*\n/, ""),
  }));
}

/** Words of a refusal that is being prepared, and what the log prints next: not knowledge of the path. */
const OF_THE_LOG = /\benv\.(blame|hint|scratchedRegs)\b/;
const ASSIGNS = /\b(?:env|st|state|frame|cur)(?:\.\w+|\[[^\]]*\])+ (?:[-+|&]|\|\||\?\?)?= /g;
const CHANGES =
  /\b(?:setReg|setSlot|growStack|killPktPointers|clearCallerSaved|forgetRef|releaseRef|acquireRef)\(|\bstep[A-Z]\w*\(/g;

function changesIn({ body }: Fn): string[] {
  const assigned = [...body.matchAll(ASSIGNS)].map((m) => m[0]).filter((text) => !OF_THE_LOG.test(text));
  return [...assigned, ...[...body.matchAll(CHANGES)].map((m) => m[0])];
}

function refusalsIn({ body }: Fn): string[] {
  return [...body.matchAll(/\breject(?:At)?\(|\bcheck[A-Z]\w*\(/g)].map((m) => m[0]);
}

const files = readdirSync(VERIFIER, { recursive: true, encoding: "utf8" }).filter((f) => f.endsWith(".ts"));
const functions = files.flatMap((f) => functionsOf(readFileSync(join(VERIFIER, f), "utf8")));

/** Lines. */
const PAGE = 64;

/** What is found in the functions of such a name. */
function faults(name: RegExp, find: (fn: Fn) => string[]): string[] {
  return functions
    .filter((fn) => name.test(fn.name))
    .flatMap((fn) => find(fn).map((what) => `${fn.name}: ${what}`));
}

describe("check and step", () => {
  it("finds them", () => {
    expect(functions.filter(({ name }) => /^check[A-Z]/.test(name)).length).toBeGreaterThan(100);
    expect(functions.filter(({ name }) => /^step[A-Z]/.test(name)).length).toBeGreaterThan(20);
  });

  it("sees a check that changes something and a step that refuses", () => {
    const [check, step] = functionsOf(
      "function checkIt(env: Env): void {\n  env.regs[1] = ZERO;\n  env.hint = words;\n}\n" +
        "function stepIt(env: Env): void {\n  if (bad) env.reject(why);\n  checkIt(env);\n}\n",
    );
    expect(changesIn(check as Fn)).toEqual(["env.regs[1] = "]);
    expect(refusalsIn(step as Fn)).toEqual(["reject(", "checkIt("]);
  });

  it("no check changes anything", () => {
    expect(faults(/^check[A-Z]/, changesIn)).toEqual([]);
  });

  it("no step refuses", () => {
    expect(faults(/^step[A-Z]/, refusalsIn)).toEqual([]);
  });

  it("every function fits on a page", () => {
    expect(faults(/^/, ({ body }) => (body.split("\n").length > PAGE ? ["is too long"] : []))).toEqual([]);
  });
});
