// Flow dissectors over whole captures, in every engine and in the running kernel: verdicts and the keys that come out.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ENGINES, kernelOn, oursOn } from "./object_runs.ts";
import { whyNoKernel } from "./running_kernel.ts";
import { readCapture } from "./pcap_le.ts";
import { findCapture, ROOT } from "./recordings.ts";

const refused = whyNoKernel("flow dissectors");
const NAMES = ["demo.pcap", "frames.pcap", "802.1ad_QinQ.pcap", "geneve.pcap", "icmpv6.pcap", "vxlan.pcap"];
const FRAMES = NAMES.flatMap((name) => {
  const path = findCapture(name); // those of ../shared/pcaps may be absent
  if (path === undefined) return [];
  const { linkType, frames } = readCapture(readFileSync(path));
  return linkType === 1 ? frames.map((f) => f.data).slice(0, 300) : [];
});

describe.each(["flow_keys.o", "flow_keys.v4.o"])("%s", (file) => {
  const path = join(ROOT, "test/objects", file);
  it.each(["dissect", "gives_up", "any_value"])("%s", async (prog) => {
    const [first = [], ...others] = await Promise.all(
      ENGINES.map((engine) => oursOn(path, prog, FRAMES, engine)),
    );
    expect(new Set(first).size).toBeGreaterThan(2);
    for (const other of others) expect(other).toEqual(first);
    if (refused === undefined) expect(first).toEqual(kernelOn(path, prog, FRAMES));
  });
});
