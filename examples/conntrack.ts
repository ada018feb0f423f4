// Per-flow idle expiry: npx tsx examples/conntrack.ts (after npm run build)
import { fileURLToPath } from "node:url";
import { loadObject, openCaptures, openObject, runProg } from "softirq";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const object = await loadObject(openObject(here("xdp_conntrack.o")).set("idle_ns", 2_000_000_000n));
const result = await runProg(object, "conntrack", openCaptures([here("demo.pcap")]), {
  until: 1_000_000_000n,
});
const { opened, expired } = object.globals();
console.log(
  `${result.packets} packets opened ${String(opened)} flows, ${String(expired)} fell silent and deleted themselves`,
);
console.log(`${object.map("conns").size} are still open, ${result.timers.pending} timers armed`);
object.close();
