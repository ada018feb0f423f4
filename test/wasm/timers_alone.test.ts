// The tests of timers once more in worlds of one thread.
import { afterAll, beforeAll, describe } from "vitest";
import { TimerWorld } from "./timer_world.ts";

describe("alone", async () => {
  beforeAll(() => {
    TimerWorld.alone = true;
  });
  afterAll(() => {
    TimerWorld.alone = false;
  });
  await import("./timers.test.ts");
  await import("./timers_walk.test.ts");
});
