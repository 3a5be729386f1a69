// The page in a real Chromium, before a real Casement: CASEMENT_BIN is its binary. One file after the other, on few cores.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    dir: "browser",
    include: ["*.test.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    teardownTimeout: 20_000,
    // A hang must not hide what failed before it.
    bail: 0,
    reporters: ["verbose"],
  },
});
