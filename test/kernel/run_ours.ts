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

/** The recorder ran the setup program on the first packet only; where the kernel refused that packet, it never ran. */
function setupThatRan({ setup, packets }: Case): string | undefined {
  const first = packets[0];
  const refused = Array.isArray(first) && first[0] === null;
  return setup === null || refused ? undefined : setup;
}

export async function runOurs(
  objectPath: string,
  recorded: Case,
  capturePath: string,
  options: RunOursOptions = {},
): Promise<OurRun> {
  const opened = openObject(objectPath);
  const init = setupThatRan(recorded);
  const progs = [recorded.prog, ...(init === undefined ? [] : [init])];
  using object = await loadObject(opened, { ...options, progs });
  const packets: OurPacket[] = [];
  const source = openCaptures([capturePath]);
  try {
    const result = await runProg(object, recorded.prog, source, {
      keep: KEEP,
      onPacket: (packet) => packets.push(packet),
      ...(init === undefined ? {} : { init }),
    });
    const maps = mapsToJson(object, { events: result.events }) as unknown as Record<string, OurMap>;
    return { packets, maps };
  } finally {
    source.close();
  }
}
