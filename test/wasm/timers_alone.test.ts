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
  await import("./timers_errnos.test.ts");
  await import("./timers_callbacks.test.ts");
  await import("./timers_deadlines.test.ts");
  await import("./timers_cancel.test.ts");
  await import("./timers_free.test.ts");
  await import("./wq.test.ts");
  await import("./timers_walk.test.ts");
});
