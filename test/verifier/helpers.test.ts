// Helpers beside what Linux says of them: who may call which, what each argument may be, what is returned.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Insn } from "../../src/isa/insn.ts";
import { helperByName, HELPERS } from "../../src/spec/helpers.ts";
import type { MapDef } from "../../src/verifier/proof.ts";
import { VerifierError, verify } from "../../src/verifier/verify.ts";
import { SLEEPABLE } from "./ctx_programs.ts";
import { prog } from "./harness.ts";
import { bareCall, LAST_HELPER, letterOf } from "./helper_letters.ts";
import { type Caller, CALLERS, decodeArgs, helperInsns, type Recorded } from "./helper_programs.ts";
import { KERNEL_MAPS } from "./kernel_maps.ts";

function lines<T>(file: string): T[] {
  const text = readFileSync(join(import.meta.dirname, file), "utf8")
    .trim()
    .split("\n");
  return text.slice(1).map((line) => JSON.parse(line) as T);
}

const callers = lines<Caller & { readonly helpers: string }>("helper_callers.jsonl");
const args = lines<Recorded>("helper_args.jsonl");

/** Of the machine where the answers were recorded. */
const CPUS = 2;

interface Answer {
  readonly code: string;
  readonly words: string;
  readonly log: readonly string[];
}

function ask(c: Caller, insns: readonly (Insn | undefined)[], maps: readonly MapDef[], gpl = true): Answer {
  const one = prog("", {
    type: c.type,
    ...(c.attach === undefined ? {} : { expectedAttachType: c.attach }),
    flags: c.flags === SLEEPABLE ? ["sleepable"] : [],
    gplCompatible: gpl,
    insns,
    maps,
    funcs: [{ pc: 0, typeId: 0 }],
  });
  try {
    return { code: "", words: "", log: verify(one, { logLevel: 2, cpus: CPUS }).log };
  } catch (e) {
    if (!(e instanceof VerifierError)) throw e;
    return { code: e.code, words: e.reasons.at(-1) ?? "", log: e.log };
  }
}

/** As the recorder cuts it out: r0 after the last call, on its line or on the next that shows it. */
function afterCall(log: readonly string[]): string {
  const from = log.findLastIndex((l) => l.includes(") call bpf_"));
  const line = from < 0 ? undefined : log.slice(from).find((l) => l.includes(" R0="));
  return line === undefined ? "" : line.slice(line.indexOf(" R0=") + 1);
}

describe("who may call which helper", () => {
  it("every caller is recorded, every helper has its number", () => {
    expect(callers).toEqual(CALLERS.map((c) => expect.objectContaining(c)));
    expect(HELPERS.map((row) => row?.id)).toEqual([
      undefined,
      ...Array.from({ length: LAST_HELPER }, (_, i) => i + 1),
    ]);
    expect(new Set(HELPERS.map((row) => row?.name)).size).toBe(LAST_HELPER + 1);
  });

  it.each(callers)("$type $attach $flags", (c) => {
    const differ: string[] = [];
    for (let id = 1; id <= LAST_HELPER; id++) {
      const [gpl, other] = [true, false].map((free) => ask(c, bareCall(id), [], free).words);
      const letter = letterOf(gpl ?? "", other ?? "");
      const want = c.helpers[id - 1];
      if (letter !== want) differ.push(`${HELPERS[id]?.name}: ${letter}; Linux: ${want}`);
    }
    expect(differ).toEqual([]);
  });
});

/** What is not tracked yet: such calls are refused where Linux has more to say. */
const UNSUPPORTED: ReadonlySet<string> = new Set([
  "skc_to_tcp6_sock",
  "skc_to_tcp_sock",
  "skc_to_tcp_timewait_sock",
  "skc_to_tcp_request_sock",
  "skc_to_udp6_sock",
  "skc_to_unix_sock",
  "skc_to_mptcp_sock",
  "get_current_task_btf",
]);

describe("what helpers take and give", () => {
  it.each(args)("$helper by $caller.type", ({ caller, helper, answers }) => {
    const differ: string[] = [];
    let unsupported = 0;
    for (const [answer, calls] of Object.entries(answers)) {
      const [errno = "", want = ""] = /^(\d+) (.*)$/.exec(answer)?.slice(1) ?? [];
      for (const call of calls.split(" ")) {
        const names = decodeArgs(call);
        const got = ask(caller, helperInsns(caller, helper, names), KERNEL_MAPS);
        const words = got.code === "" ? afterCall(got.log) : got.words;
        if ((got.code === "") === (errno === "0") && words === want) continue;
        if (got.code === "EOPNOTSUPP") unsupported++;
        else differ.push(`${names.join(" ")}: ${got.code} ${words}; Linux: ${answer}`);
      }
    }
    expect(differ).toEqual([]);
    expect(unsupported > 0).toBe(UNSUPPORTED.has(helper));
  });

  it("names no helper that is not there", () => {
    expect(args.filter((a) => helperByName(a.helper) === undefined)).toEqual([]);
  });
});
