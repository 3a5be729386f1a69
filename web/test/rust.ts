// The texts of Rust source, as the tests of languages look for them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const CRATES = new URL("../../crates", import.meta.url).pathname;

/** The source files of a folder below `crates`, but for those of tests; of a file, itself. */
export const files = (folder: string): string[] =>
  folder.endsWith(".rs")
    ? [folder]
    : readdirSync(join(CRATES, folder), { recursive: true, encoding: "utf8" })
        .filter(name => name.endsWith(".rs") && !/(^|[/_])tests?(\.rs$|\/)/.test(name))
        .map(name => join(folder, name));

export const read = (file: string): string => readFileSync(join(CRATES, file), "utf8");

/** A comment, a raw string, a string, a character, or the beginning of an attribute that is no text of an error. */
const TOKEN =
  /\/\/.*|\/\*[^]*?\*\/|r(#*)"([^]*?)"\1|"((?:[^"\\]|\\[^])*)"|b?'(?:\\(?:u\{\w+\}|[^])|[^\\'])'|#!?\[(?!error\()|[[\]]/g;
/** What stands before a text that only programmers and logs read. */
const APART = /(?:\bexpect\(|\b(?:trace|debug|info|warn|error)!\((?:[\w.%?=&\s()*:]+,)*|\bhelp: )\s*$/;

/** The texts of a source that are sentences: neither those of its tests and attributes nor those of logs. */
export function sentencesOf(source: string): string[] {
  const own = source.split(/\n\s*#\[cfg\(test\)\]\s*\n\s*mod \w+ \{/)[0]!,
    found: string[] = [];
  let attribute = 0;
  for (const token of own.matchAll(TOKEN)) {
    const [text] = token;
    if (text.startsWith("#")) attribute ||= 1;
    else if (text === "[") attribute += Number(attribute > 0);
    else if (text === "]") attribute -= Number(attribute > 0);
    if (attribute || (token[2] ?? token[3]) === undefined) continue;
    const said = token[2] ?? token[3]!.replace(/\\\n\s*/g, "").replace(/\\(["\\])/g, "$1");
    if (!APART.test(own.slice(Math.max(0, token.index - 200), token.index))) found.push(said.replace(/(\\n)+$/, ""));
  }
  return found.filter(text => text.trim().split(" ").length > 2 && /\p{L}{2}/u.test(text));
}

/** The same of a file. */
export const sentences = (file: string): string[] => sentencesOf(read(file));
