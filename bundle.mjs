// Bundles the sources into dist, which Node loads several times faster than a file a module: one file for each way in,
// and what they share in dist/shared. Names stay as in the sources, so that a stack trace can be read.
import { build } from "rolldown";

const ENTRIES = [
  "runtime/index",
  "src/cli/main",
  "src/cli/conformance",
  // started as Workers
  "runtime/clock/worker_main",
  "runtime/cpu/worker",
  // measured by bench/ alone
  "native/binding",
  "runtime/map/map_layout",
];

const { output } = await build({
  input: Object.fromEntries(ENTRIES.map((name) => [name, `${name}.ts`])),
  external: ["binaryen"],
  platform: "node",
  tsconfig: "tsconfig.build.json",
  transform: { target: "node20" },
  output: { dir: "dist", chunkFileNames: "shared/[name].js", comments: false, sourcemap: true },
});
const chunks = output.filter(({ type }) => type === "chunk");
const bytes = chunks.reduce((sum, { code }) => sum + code.length, 0);
console.log(`bundle: dist, ${chunks.length} files, ${Math.ceil(bytes / 1024)} KiB`);
