// One recorded case run by us, in the form compare.ts takes. Knows the runtime, decides nothing about equality.
import { openCaptures } from "../../src/pcap/index.ts";
import type { EngineName } from "../../runtime/engine/engine.ts";
import { mapsToJson } from "../../runtime/json/maps.ts";
import { loadObject } from "../../runtime/load/object.ts";
import { openObject } from "../../runtime/load/open.ts";
import { runProg } from "../../runtime/run.ts";
import type { Case } from "./answers.ts";
import type { OurMap, OurPacket, OurRun } from "./compare.ts";

export interface RunOursOptions {
  readonly engine?: EngineName;
  readonly checked?: boolean;
}

/** Records kept a run: no recorded case has as many. */
const KEEP = 1_000_000;

export async function runOurs(
  objectPath: string,
  recorded: Case,
  capturePath: string,
  options: RunOursOptions = {},
): Promise<OurRun> {
  const opened = openObject(objectPath);
  const progs = [recorded.prog, ...(recorded.setup === null ? [] : [recorded.setup])];
  using object = await loadObject(opened, { ...options, progs });
  const packets: OurPacket[] = [];
  const source = openCaptures([capturePath]);
  try {
    const result = await runProg(object, recorded.prog, source, {
      keep: KEEP,
      onPacket: (packet) => packets.push(packet),
      ...(recorded.setup === null ? {} : { init: recorded.setup }),
    });
    const maps = mapsToJson(object, { events: result.events }) as unknown as Record<string, OurMap>;
    return { packets, maps };
  } finally {
    source.close();
  }
}
