// Writes what the running kernel says of every program of the test objects to test/recorded/verify.json:
//   npx tsx test/kernel/record_verdicts.ts [OBJECT…]
// as root, with cc and libbpf-dev. With objects named, only their rows are new; the kernel must be the same then.
import { writeFileSync } from "node:fs";
import { release } from "node:os";
import { basename, join } from "node:path";
import { packVerdicts, type RecordedObject, readVerdicts, VERDICTS } from "./recorded_verdicts.ts";
import { ROOT, sha256, verifiedPaths } from "./recordings.ts";
import { askKernel, buildLoader } from "./verdicts.ts";

const wanted = process.argv.slice(2);
const old = wanted.length > 0 ? readVerdicts() : undefined;
if (old !== undefined && old.kernel !== release())
  throw new Error(`the other rows are of ${old.kernel}, this is ${release()}: record all of them`);
const loader = buildLoader();

function record(object: string): RecordedObject {
  const kept = old?.objects.find((o) => o.object === object);
  if (kept !== undefined && !wanted.includes(basename(object, ".o"))) return kept;
  const path = join(ROOT, object);
  const verdicts = askKernel(loader, path);
  console.error(`${object}: ${verdicts.length} programs`);
  return { object, sha256: sha256(path), verdicts };
}

writeFileSync(VERDICTS, packVerdicts({ kernel: release(), objects: verifiedPaths().map(record) }));
