// A token bucket refilled by a timer: npx tsx examples/bucket.ts (after npm run build)
import { fileURLToPath } from "node:url";
import { loadObject, openCaptures, openObject, runProg } from "softirq";

const here = (name: string) => fileURLToPath(new URL(name, import.meta.url));
const object = await loadObject(openObject(here("xdp_bucket.o")).set("burst", 5).set("tokens_per_tick", 1));
const { timers } = await runProg(object, "bucket", openCaptures([here("demo.pcap")]), {
  until: 5_000_000_000n,
});
const buckets = [...object.typedMap("buckets")].map(([, b]) => b as { passed: bigint; dropped: bigint });
const sum = (key: "passed" | "dropped") => buckets.reduce((n, b) => n + b[key], 0n);
console.log(`${buckets.length} sources: ${sum("passed")} packets passed, ${sum("dropped")} dropped`);
console.log(`${timers.fired} refills; ${timers.pending} buckets are not full yet`);
object.close();
