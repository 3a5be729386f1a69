// The service's own words, as its source has them: whoever changes a sentence there is told that the page has to know it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { TEMPLATES } from "../src/compute/phrases";

const CRATES = new URL("../../crates", import.meta.url).pathname;
const SPEAKERS = ["ml/src", "domain/src", "backend/src", "registry/src"];

/** Text that may be broken over lines. */
const source = SPEAKERS.flatMap(folder =>
  readdirSync(join(CRATES, folder), { recursive: true, encoding: "utf8" })
    .filter(name => name.endsWith(".rs"))
    .map(name => readFileSync(join(CRATES, folder, name), "utf8").replace(/\\\n\s*/g, "")),
).join("\n");

/** Words and joints that the source puts in by a value of its own. */
const PUT_IN =
  /\b(?:most|least|airing|night cooling|a fixed time|ahead|behind|above|below|an unknown place)\b| \(| % |; it stated /;

it.each([...TEMPLATES])("%s", template => {
  const fragments = template.split(/\{\w+\}/).flatMap(text => text.split(PUT_IN));
  const longest = fragments.sort((one, other) => other.length - one.length)[0]!;
  expect(source.includes(longest), `“${longest}” in ${SPEAKERS.join(", ")}`).toBe(true);
});
