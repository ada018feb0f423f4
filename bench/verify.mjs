// How fast the verifier is beside the kernel's own: the ten programs with the most insns to process, of our own
// objects and of those that are named. FIRST is each one's first verification, before its code is compiled for it.
import { loadKernelObject, openObject, verifyEach } from "../dist/runtime/index.js";
import { printTable } from "./table.mjs";

const OBJECTS = [
  new URL("../test/verifier/objects/big.o", import.meta.url).pathname,
  new URL("../test/objects/balancer.o", import.meta.url).pathname,
];
const PROGRAMS = 10;
/** Rounds go on at least this long: a program that takes milliseconds needs many until its code is compiled. */
const ROUNDS_MS = 2000;

function ours(opened, spec) {
  const [verdict] = verifyEach(opened.spec, [spec]);
  return verdict.accept ? { us: verdict.stats.timeUs, processed: verdict.stats.processed } : undefined;
}

/** The programs of the objects that we accept, those with the most insns first. */
function biggest(files) {
  const found = [];
  for (const file of files) {
    const opened = openObject(file);
    for (const spec of opened.spec.progs) {
      const once = ours(opened, spec);
      if (once !== undefined) found.push({ file, opened, spec, first: once, processed: once.processed });
    }
  }
  return found.sort((a, b) => b.processed - a.processed).slice(0, PROGRAMS);
}

function kernelOf({ opened, spec }) {
  try {
    return loadKernelObject(opened, { progs: [spec.name] });
  } catch (error) {
    if (error.code === undefined) throw error;
    return undefined;
  }
}

const rate = (m) => (m === undefined ? "-" : (m.processed / m.us).toFixed(2));

/** The best of each over rounds that take turns, so that what else the machine does meets both. */
function measure(entry, rounds, ms) {
  const kernel = kernelOf(entry);
  const best = {};
  const keep = (who, m) => {
    if (m !== undefined && (best[who] === undefined || m.us < best[who].us)) best[who] = m;
  };
  const until = performance.now() + ms;
  for (let i = 0; i < rounds || performance.now() < until; i++) {
    keep("ours", ours(entry.opened, entry.spec));
    keep("kernel", kernel?.timeVerification(entry.spec));
  }
  kernel?.close();
  return best;
}

export function verification(objects, quick) {
  const rows = [];
  let logSum = 0;
  let compared = 0;
  for (const entry of biggest([...OBJECTS, ...objects])) {
    const { ours: we, kernel } = measure(entry, quick ? 3 : 7, quick ? 0 : ROUNDS_MS);
    const share = kernel === undefined ? undefined : we.processed / we.us / (kernel.processed / kernel.us);
    if (share !== undefined) {
      logSum += Math.log(share);
      compared++;
    }
    rows.push([
      `${entry.file.split("/").at(-1)} ${entry.spec.name}`,
      we.processed,
      rate(entry.first),
      rate(we),
      kernel?.processed ?? "-",
      rate(kernel),
      share === undefined ? "-" : share.toFixed(2),
    ]);
  }
  if (compared > 0) rows.push(["geometric mean", "", "", "", "", "", Math.exp(logSum / compared).toFixed(2)]);
  printTable(
    "verification of the biggest programs",
    ["PROGRAM", "INSNS", "FIRST M/S", "M INSNS/S", "KERNEL'S INSNS", "M INSNS/S", "RATIO"],
    rows,
  );
  console.log(`  peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`);
}
