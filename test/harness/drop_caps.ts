// Runs the current script once more, without some capabilities. Needs root and util-linux's setpriv.
import { spawnSync } from "node:child_process";
import { CAPABILITIES, type Capability } from "../../src/spec/privileges.ts";

export function parseCaps(text: string): readonly Capability[] {
  const names = text === "none" ? [] : text.split(",");
  return names.map((name) => {
    const cap = CAPABILITIES.find((c) => c === name);
    if (cap === undefined) throw new Error(`no capability '${name}': there are ${CAPABILITIES.join(", ")}`);
    return cap;
  });
}

/** The arguments of setpriv that leave these capabilities only, as far as bpf(2) looks at them. */
export function withCaps(caps: readonly Capability[]): string[] {
  const lost = ["sys_admin", ...CAPABILITIES.filter((c) => !caps.includes(c))].map((c) => `-${c}`);
  return [`--bounding-set=${lost.join(",")}`, "--inh-caps=-all"];
}

/** The exit status of the same command line, with --dropped behind it. */
export function runWithCaps(caps: readonly Capability[]): number {
  const again = [process.execPath, ...process.execArgv, ...process.argv.slice(1), "--dropped"];
  const { status, error } = spawnSync("setpriv", [...withCaps(caps), ...again], { stdio: "inherit" });
  if (error !== undefined) throw error;
  return status ?? 1;
}
