// Builds the addon with node-gyp, only what has changed. Headers are those beside the running Node when they
// are there, else node-gyp's download. The addon is for Linux; elsewhere everything runs without it.
import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const root = dirname(import.meta.dirname);

if (process.platform !== "linux") {
  console.log(`native: no addon on ${process.platform}, nothing to build`);
  process.exit(0);
}
const nodeGyp = createRequire(import.meta.url).resolve("node-gyp/bin/node-gyp.js");
const nodedir = dirname(dirname(process.execPath));
const args = existsSync(join(nodedir, "include/node/node_api.h")) ? [`--nodedir=${nodedir}`] : [];
for (const command of ["configure", "build"]) {
  const run = spawnSync(process.execPath, [nodeGyp, command, "--release", "--loglevel=error", ...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
    encoding: "utf8",
  });
  if (run.status !== 0) {
    process.stderr.write(
      `${run.stdout}${run.stderr}native: node-gyp ${command} ended with ${run.status ?? run.signal}\n`,
    );
    process.exit(1);
  }
}
// a prebuilt addon is looked for first: one from before this build would hide it
rmSync(join(root, "prebuilds", `${process.platform}-${process.arch}`, "softirq.node"), { force: true });
console.log("native: build/Release/softirq.node");
