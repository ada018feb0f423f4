// Asks the running kernel which maps it creates, and writes its answers: npx tsx test/kernel/record_map_create.ts, as
// root, on a machine with less than 32 GB of memory (what is too much for it is among the questions).
import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { join } from "node:path";
import { requireAddon } from "../../native/binding.ts";
import { errnoName } from "../../src/spec/errors.ts";
import { MAP_TYPES, type MapTypeName } from "../../src/spec/map_types.ts";
import { BtfBuilder } from "../btf/build.ts";
import { type MapAttrs, mapQuestions } from "./map_attrs.ts";
import { RECORDED } from "./recordings.ts";

const MAP_CREATE = 0;
const BTF_LOAD = 18;
const MAP_ATTR_SIZE = 72;

const { bpf } = requireAddon("ask about maps");

/** Types of exactly these sizes: the key as an integer where there is one of that size. */
function loadTypes(keySize: number, valueSize: number): { fd: number; key: number; value: number } {
  const btf = new BtfBuilder();
  const u8 = btf.int("u8", 1);
  const u32 = btf.int("u32", 4);
  const u64 = btf.int("u64", 8);
  const bytes = (n: number) => btf.add("array", "", 0, 0, [u8, u32, n]);
  const key = keySize === 4 ? u32 : keySize === 8 ? u64 : bytes(keySize);
  const value = bytes(valueSize);
  const data = btf.bytes();
  const attr = new Uint8Array(28);
  new DataView(attr.buffer).setUint32(16, data.length, true);
  const fd = bpf.bpf(BTF_LOAD, attr, 0, data, data.length);
  if (fd < 0) throw new Error(`BTF of ${keySize} and ${valueSize} bytes: ${errnoName(fd)}`);
  return { fd, key, value };
}

function create(m: MapAttrs, innerFd: number): number {
  const attr = new Uint8Array(MAP_ATTR_SIZE);
  const view = new DataView(attr.buffer);
  const words = [MAP_TYPES[m.type].id, m.keySize, m.valueSize, m.maxEntries, m.flags, innerFd, m.numaNode];
  for (const [i, word] of words.entries()) view.setUint32(i * 4, word, true);
  view.setBigUint64(64, m.mapExtra, true);
  const types = m.typed ? loadTypes(m.keySize, m.valueSize) : undefined;
  if (types !== undefined) {
    view.setUint32(48, types.fd, true);
    view.setUint32(52, types.key, true);
    view.setUint32(56, types.value, true);
  }
  const result = bpf.bpf(MAP_CREATE, attr);
  if (result >= 0) bpf.bpfClose(result);
  if (types !== undefined) bpf.bpfClose(types.fd);
  return Math.min(result, 0);
}

const plain = { keySize: 4, valueSize: 4, maxEntries: 1, flags: 0, mapExtra: 0n, numaNode: 0 };
const innerAttr = new Uint8Array(MAP_ATTR_SIZE);
[MAP_TYPES.array.id, plain.keySize, plain.valueSize, plain.maxEntries].forEach((word, i) =>
  new DataView(innerAttr.buffer).setUint32(i * 4, word, true),
);
const innerFd = bpf.bpf(MAP_CREATE, innerAttr);
if (innerFd < 0) throw new Error(`inner map: ${errnoName(innerFd)}`);

const answers: Record<string, string> = {};
for (const type of Object.keys(MAP_TYPES) as MapTypeName[]) {
  const errnos = mapQuestions(type).map((m) => -create(m, m.inner ? innerFd : 0x7fff_ffff));
  answers[type] = errnos.join(" ");
  const counts = new Map<number, number>();
  for (const e of errnos) counts.set(e, (counts.get(e) ?? 0) + 1);
  const shown = [...counts].map(([e, n]) => `${e === 0 ? "made" : errnoName(e)} ${n}`).join(", ");
  console.error(`${type}: ${shown}`);
}
bpf.bpfClose(innerFd);
writeFileSync(
  join(RECORDED, "map_create.json"),
  `${JSON.stringify({ kernel: release(), answers }, null, 1)}\n`,
);
