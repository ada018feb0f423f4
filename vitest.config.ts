import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Two workers: the suite is meant for small machines, and some tests start processes of their own.
    maxWorkers: 2,
  },
});
