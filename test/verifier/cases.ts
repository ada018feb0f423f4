// What the kernel says of small XDP programs, by topic. The words were checked against Linux 6.18 (see test/kernel).
import { ATOMICS } from "./cases/atomics.ts";
import { BASICS } from "./cases/basics.ts";
import { CONTEXT } from "./cases/context.ts";
import { FLOW } from "./cases/flow.ts";
import { HELPERS } from "./cases/helpers.ts";
import { MAPS } from "./cases/maps.ts";
import { NUMBERS } from "./cases/numbers.ts";
import { PACKETS } from "./cases/packets.ts";
import { STACK } from "./cases/stack.ts";
import type { Case } from "./cases/parts.ts";

export const CASES: readonly Case[] = [
  ...BASICS,
  ...PACKETS,
  ...CONTEXT,
  ...STACK,
  ...MAPS,
  ...HELPERS,
  ...NUMBERS,
  ...FLOW,
  ...ATOMICS,
];
