// Figures, not tests: `npm --prefix web run measure` with CASEMENT_BIN, the binary to be measured, on a quiet machine.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    dir: "browser",
    include: ["*.measure.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 120_000,
    reporters: ["basic"],
    disableConsoleIntercept: true,
  },
});
