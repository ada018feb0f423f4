// Backends that fall silent: npx tsx examples/health.ts (after npm run build)
import { fileURLToPath } from "node:url";
import { loadObject, openCaptures, openObject, runProg } from "softirq";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const object = await loadObject(openObject(here("xdp_health.o")).set("silence_ns", 500_000_000n));
await runProg(object, "health", openCaptures([here("demo.pcap")]), { until: 100_000_000n });
const backends = [...object.typedMap("backends")].map(([, b]) => b as { up: number; downs: number });
const { went_down, came_up } = object.globals();
console.log(`${backends.filter((b) => b.up === 1).length} of ${backends.length} backends are up`);
console.log(
  `${String(went_down)} times one fell silent for half a second, ${String(came_up)} times one came back`,
);
object.close();
