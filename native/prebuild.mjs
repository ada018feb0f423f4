// Puts the built addon, stripped, where a package carries it: prebuilds/<platform>-<arch>/softirq.node.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);
const built = join(root, "build/Release/softirq.node");
if (!existsSync(built)) {
  console.error("native: no build/Release/softirq.node, run native/build.mjs first");
  process.exit(1);
}
const dir = join(root, "prebuilds", `${process.platform}-${process.arch}`);
mkdirSync(dir, { recursive: true });
const out = join(dir, "softirq.node");
execFileSync("strip", ["--strip-unneeded", "-o", out, built], { stdio: "inherit" });
console.log(`native: ${out}, ${Math.ceil(statSync(out).size / 1024)} KiB`);
