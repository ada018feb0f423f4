// Mutated captures: the reader must refuse or end, never throw anything but a BpfError, never point outside
// of its region, never run on. `tsx test/fuzz/pcap.ts [minutes] [seed]`; a failure prints the seed to replay.
import { BpfError } from "../../src/spec/errors.ts";
import { CaptureReader } from "../../src/pcap/reader.ts";
import { createBatch, MIN_BATCH_BYTES, ROW } from "../../src/pcap/rows.ts";
import {
  block,
  buildPcap,
  concat,
  interfaceBlock,
  packetBlock,
  payload,
  sectionBlock,
  simplePacketBlock,
} from "../pcap/build.ts";

function random(seed: number): (below: number) => number {
  let s = seed >>> 0 || 1;
  return (below) => {
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    return (s >>> 0) % below;
  };
}

const SEEDS: readonly Uint8Array[] = [true, false].flatMap((le) => [
  buildPcap(
    [60, 0, 1514, 90].map((n, i) => ({ sec: i, data: payload(n) })),
    { le },
  ),
  buildPcap(
    [60, 64].map((n) => ({ frac: 7, data: payload(n) })),
    { le, magic: 0xa1b23c4d, minor: 3, snaplen: 62 },
  ),
  concat(
    sectionBlock(le),
    interfaceBlock({ le, tsresol: 9, tsoffset: -3n }),
    interfaceBlock({ le, tsresol: 0x8a, snaplen: 99 }),
    packetBlock(payload(60), 1n << 50n, { le }),
    block(le, 5, payload(20)),
    packetBlock(payload(61), 9n, { le, ifindex: 1, obsolete: true }),
    simplePacketBlock(payload(64), 64, le),
    sectionBlock(!le),
    interfaceBlock({ le: !le }),
    packetBlock(payload(7), 1n, { le: !le }),
  ),
]);
const INTERESTING = [
  0, 1, 3, 4, 6, 8, 12, 0x7f, 0xff, 0xffff, 0x40000, 0x40001, 0x7fffffff, 0x80000000, 0xfffffffc, 0xffffffff,
];

function mutate(rand: (below: number) => number): Uint8Array {
  const bytes = SEEDS[rand(SEEDS.length)]!.slice();
  const view = new DataView(bytes.buffer);
  for (let n = rand(4); n >= 0; n--) {
    const at = rand(bytes.length - 4);
    const how = rand(4);
    if (how === 0) bytes[at] = rand(256);
    else if (how === 1) view.setUint32(at & ~3, INTERESTING[rand(INTERESTING.length)]!, rand(2) === 0);
    else if (how === 2) view.setUint16(at, INTERESTING[rand(INTERESTING.length)]! & 0xffff, rand(2) === 0);
    else bytes.copyWithin(at, rand(bytes.length), rand(bytes.length));
  }
  return rand(3) === 0 ? bytes.subarray(0, rand(bytes.length)) : bytes;
}

const batch = createBatch(MIN_BATCH_BYTES, 3);

/** Reads one mutated capture; what became of it. */
function fuzzPcap(seed: number): "refused" | "eof" | "truncated" | "corrupt" {
  const bytes = mutate(random(Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995));
  let reader: CaptureReader;
  try {
    reader = CaptureReader.fromBytes(bytes, "fuzz");
  } catch (e) {
    if (e instanceof BpfError && !e.message.includes("\n")) return "refused";
    throw e;
  }
  let packets = 0;
  for (let n = reader.nextBatch(batch); n > 0; n = reader.nextBatch(batch)) {
    packets += n;
    if (packets > bytes.length) throw new Error("more packets than bytes");
    for (let at = 0; at < n * ROW.size; at += ROW.size) {
      if (
        batch.rows.getUint32(at + ROW.addr, true) + batch.rows.getUint32(at + ROW.len, true) >
        Math.min(bytes.length + 4096, MIN_BATCH_BYTES)
      ) {
        throw new Error("a row points outside of what was read");
      }
    }
  }
  const end = reader.end;
  if (end === undefined) throw new Error("no end");
  if (end.kind !== "eof" && !/^fuzz: (truncated: )?packet \d+ at byte \d+: \S.*$/.test(end.message))
    throw new Error(end.message);
  return end.kind;
}

/** Cases while `more` says so of how many there were, counted by outcome. */
export function fuzzCaptures(firstSeed: number, more: (done: number) => boolean): Record<string, number> {
  const counts: Record<string, number> = {};
  for (let seed = firstSeed; more(seed - firstSeed); seed++) {
    try {
      const outcome = fuzzPcap(seed);
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
    }
  }
  return counts;
}

if (process.argv[1]?.endsWith("fuzz/pcap.ts")) {
  const minutes = Number(process.argv[2] ?? 1);
  const seed = Number(process.argv[3] ?? 1);
  const until = performance.now() + minutes * 60_000;
  console.log(JSON.stringify(fuzzCaptures(seed, () => performance.now() < until)));
}
