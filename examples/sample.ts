// Counters sampled by a timer into a perf buffer: npx tsx examples/sample.ts (after npm run build)
import { fileURLToPath } from "node:url";
import { loadObject, openCaptures, openObject, runProg } from "softirq";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const object = await loadObject(openObject(here("xdp_sample.o")).set("period_ns", 500_000_000n));
const { events } = await runProg(object, "sample", openCaptures([here("demo.pcap")]));
for (const { i, bytes } of events.recordsOf(object.map("samples").addr).items) {
  const u64 = (off: number) => new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(off, true);
  console.log(`at ${u64(0)} ns: ${u64(8)} packets, ${u64(16)} bytes (told by packet ${i})`);
}
object.close();
