// `npx tsx test/planted/run.ts [--seed S] [--count N] [--only NAME]`: plants each bug of bugs.ts by itself and prints the seed
// of the program that shows it. Ends with 1 if one is not found, or if something is found where nothing was planted.
import { parseArgs } from "node:util";
import { PLANTED_BUGS } from "./bugs.ts";
import { findBug } from "./plant.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "0" },
    count: { type: "string", default: "3000" },
    only: { type: "string" },
  },
});
const search = { seed: Number(values.seed), count: Number(values.count) };
const bugs = PLANTED_BUGS.filter(({ name }) => values.only === undefined || name === values.only);
if (bugs.length === 0) throw new Error(`no bug is called ${values.only}`);

let missed = 0;
let last = search.seed;
for (const bug of bugs) {
  const { seed, how } = await findBug(bug, search);
  if (seed === undefined) missed++;
  else last = Math.max(last, seed);
  const verdict = seed === undefined ? `NOT FOUND in ${search.count} programs` : `found by seed ${seed}`;
  console.log(
    `${bug.where.padEnd(8)} ${bug.name.padEnd(16)} ${verdict}: ${bug.what}\n         ${how.slice(0, 160)}`,
  );
}
console.log(`${bugs.length - missed} of ${bugs.length} planted bugs found`);
// the same programs must show nothing where no bug is planted
const control = await findBug(undefined, { seed: search.seed, count: last - search.seed + 1 });
console.log(
  control.seed === undefined
    ? `without a bug: ${control.how}`
    : `without a bug seed ${control.seed} fails too: ${control.how.slice(0, 160)}`,
);
process.exitCode = missed === 0 && control.seed === undefined ? 0 : 1;
