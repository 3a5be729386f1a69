// `npm run dev` shows the page of the Casement at CASEMENT (http://127.0.0.1:8080) while it is written.
import { defineConfig } from "vite";

const casement = process.env["CASEMENT"] ?? "http://127.0.0.1:8080";
// It heeds its own page alone: the one that is written counts as that.
const own = { target: casement, changeOrigin: true, headers: { origin: casement } };

export default defineConfig({
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    target: "es2022",
    // Everything below /assets/ is for everybody, so that the sign-in page has it.
    assetsDir: "assets",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    sourcemap: false,
  },
  server: { proxy: { "/api": own, "/sign-in": own, "/sign-out": own, "/assets/sign-in.css": own, "/problems": own } },
});
