// The pictures of the documents, made by the page itself: `make pictures`.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    dir: "browser",
    include: ["*.pictures.ts"],
    pool: "forks",
    fileParallelism: false,
    testTimeout: 120_000,
    reporters: ["verbose"],
  },
});
