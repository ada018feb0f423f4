// Every recorded answer of the kernel against a run of ours: verdict, length and bytes of every packet, events,
// variables and maps. The captures of ../shared/pcaps are not part of the repository; without them their cases are
// skipped, those of the demo capture run anywhere.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { describe, expect, it } from "vitest";
import { compareRun, fmtDifference } from "./compare.ts";
import { readCapture } from "./pcap_le.ts";
import { ROOT, findCapture, objectPaths, recordingNames, recordingOf, sha256 } from "./recordings.ts";
import { runOurs } from "./run_ours.ts";

/** Objects without a program whose answer is the same twice, or that tests of their own hold against the kernel. */
const NOT_RECORDED =
  /^(clock|clock_.*|timers|timer_.*|callbacks|throws|dynptrs|threads|tc_timer|flow_keys)(\.v4)?\.o$|^xdp_(?!firewall)/;

const frames = new Map<string, readonly Uint8Array[]>();
function framesOf(path: string): readonly Uint8Array[] {
  const known = frames.get(path) ?? readCapture(readFileSync(path)).frames.map((f) => f.data);
  frames.set(path, known);
  return known;
}

describe("recordings", () => {
  it("are there for every object", () => {
    const objects = objectPaths().map((path) => basename(path));
    const expected = objects.filter((f) => !NOT_RECORDED.test(f)).map((f) => f.replace(/\.o$/, ""));
    expect(recordingNames()).toEqual(expected.sort());
  });
});

for (const name of recordingNames()) {
  const { head, cases } = recordingOf(name);
  const object = join(ROOT, head.object);
  const progs = [...new Set(cases.map((c) => c.prog))];

  describe(`${head.object} as Linux ${head.kernel} ran it`, () => {
    it("is the object that was recorded", () => {
      expect(sha256(object)).toBe(head.sha256);
    });

    for (const prog of progs) {
      const own = cases.filter((c) => c.prog === prog);
      const absent = own.filter((c) => findCapture(c.capture) === undefined);
      it(`${prog}: ${own.length - absent.length} captures`, async () => {
        const found: string[] = [];
        for (const recorded of own) {
          const path = findCapture(recorded.capture);
          if (path === undefined) continue;
          expect(sha256(path), recorded.capture).toBe(recorded.capture_sha256);
          const ours = await runOurs(object, recorded, path);
          const difference = compareRun(recorded, ours, framesOf(path));
          if (difference) found.push(`${recorded.capture}: ${fmtDifference(difference)}`);
        }
        expect(found).toEqual([]);
      });
      const missing = `${prog}: ${absent.length} captures of ../shared/pcaps, which is absent`;
      if (absent.length > 0) it.skip(missing, () => {});
    }
  });
}
