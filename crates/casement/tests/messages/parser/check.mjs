// Says what AsyncAPI's own parser finds in documents: one line for each fault, and exit code 1 where there is any.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const ERROR = 0;
const WARNING = 1;
// Advice on whom to ask, which an installation's own document has no answer to.
const ADVICE = new Set(["asyncapi-info-contact", "asyncapi-id", "asyncapi3-tags", "asyncapi-latest-version"]);

let faults = 0;
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await new Parser().parse(readFileSync(file, "utf8"));
  const found = diagnostics.filter((one) => one.severity <= WARNING && !ADVICE.has(one.code));
  for (const one of found) {
    console.log(`${one.severity === ERROR ? "error" : "warning"} ${one.code} at ${one.path.join("/")}: ${one.message}`);
  }
  faults += found.length;
  if (!document) {
    faults += 1;
    console.log("no document");
    continue;
  }
  console.log(`${document.channels().all().length} channels, ${document.operations().all().length} operations`);
}
process.exit(faults === 0 ? 0 : 1);
