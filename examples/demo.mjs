// The demo: a firewall over a capture, through the public API, with what a user would want to see.
import { fileURLToPath } from "node:url";
import { loadObject, mapToJson, openCaptures, openObject, runProg } from "softirq";

const here = (name) => fileURLToPath(new URL(name, import.meta.url));

const opened = openObject(here("xdp_firewall.o")).set("ping_budget", 10);
const object = await loadObject(opened, { progs: ["firewall", "setup"] });
const { stats } = object.prog("firewall").verified;
console.log(`xdp_firewall.o: verified (${stats.processed} insns processed) and compiled to WebAssembly`);

const result = await runProg(object, "firewall", openCaptures([here("demo.pcap")]), { init: "setup" });
const verdicts = { ABORTED: 0, DROP: 1, PASS: 2, TX: 3, REDIRECT: 4 };
console.log(`demo.pcap: ${result.packets} packets, ${result.bytes} bytes`);
for (const [name, i] of Object.entries(verdicts)) {
  if (result.verdicts[i] > 0) console.log(`  XDP_${name.padEnd(9)}${String(result.verdicts[i]).padStart(7)}`);
}
console.log(`${(Number(result.elapsedNs) / result.packets).toFixed(0)} ns per packet`);

const table = (name, key) => {
  console.log(`\n${name}`);
  for (const { formatted } of mapToJson(object, object.map(name)).entries) {
    const hits = Array.isArray(formatted.value) ? formatted.value[0] : formatted.value;
    console.log(
      `  ${key(formatted.key).padEnd(22)}${String(hits.packets).padStart(7)} packets ${String(hits.bytes).padStart(9)} bytes`,
    );
  }
};
const reasons = ["allowed", "blocked source", "closed port", "ping flood", "malformed", "not IP"];
table("reasons", (i) => reasons[i] ?? `reason ${i}`);
table("blocked4", (p) => `${p.addr.join(".")}/${p.len}`);
table("closed_ports", (port) => `port ${port}`);

console.log("\nThe same from the command line:");
console.log(
  "  npx softirq run examples/xdp_firewall.o examples/demo.pcap --prog firewall --init setup --maps -",
);
object.close();
