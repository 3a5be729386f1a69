// Adds the licences of what became part of the page, and packs each text of it, for the listener to hand out as it is.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const TEXTS = /\.(html|js|css|svg|webmanifest|txt)$/;
const root = new URL("../dist", import.meta.url).pathname,
  modules = new URL("../node_modules", import.meta.url).pathname;
// Signals have their core as a package of its own.
const parts = [
  ...Object.keys(JSON.parse(readFileSync(join(root, "../package.json"), "utf8")).dependencies),
  "@preact/signals-core",
];

const licences = parts.map(name => {
  const { version, license, author } = JSON.parse(readFileSync(join(modules, name, "package.json"), "utf8"));
  const file = readdirSync(join(modules, name)).find(entry => /^licen[cs]e/i.test(entry));
  return `${name} ${version} (${license})\n\n${file ? readFileSync(join(modules, name, file), "utf8").trim() : `by ${author?.name ?? author}`}\n`;
});
writeFileSync(join(root, "assets/licences.txt"), licences.join("\n----\n\n"));

for (const name of readdirSync(root, { recursive: true })) {
  if (!TEXTS.test(name)) continue;
  const path = join(root, name),
    text = readFileSync(path);
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: text.length } };
  writeFileSync(`${path}.gz`, gzipSync(text, { level: 9 }));
  writeFileSync(`${path}.br`, brotliCompressSync(text, quality));
}
