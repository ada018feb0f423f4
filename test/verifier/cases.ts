// What the kernel says of small XDP programs, by topic. The words were checked against Linux 6.18 (see test/kernel).
import { ATOMICS } from "./cases/atomics.ts";
import { BASICS } from "./cases/basics.ts";
import { BOUND_TRICKS } from "./cases/bound_tricks.ts";
import { CALL_TRICKS } from "./cases/call_tricks.ts";
import { CONTEXT } from "./cases/context.ts";
import { FLOW } from "./cases/flow.ts";
import { HELPERS } from "./cases/helpers.ts";
import { MAPS } from "./cases/maps.ts";
import { NULL_TRICKS } from "./cases/null_tricks.ts";
import { NUMBERS } from "./cases/numbers.ts";
import { PACKET_TRICKS } from "./cases/packet_tricks.ts";
import { PACKETS } from "./cases/packets.ts";
import { STACK_TRICKS } from "./cases/stack_tricks.ts";
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
  ...BOUND_TRICKS,
  ...STACK_TRICKS,
  ...CALL_TRICKS,
  ...PACKET_TRICKS,
  ...NULL_TRICKS,
];
