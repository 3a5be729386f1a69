// Checks dashboards by the types that Grafana publishes: node check.mjs FILE.json…
// Prints a line for each fault, with the file and the panel, and exits with 1.
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const here = dirname(fileURLToPath(import.meta.url));

// The parts of a dashboard: [name, type, value].
function parts(file) {
  const { panels, templating, annotations, ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  const named = (name) => `${basename(file)}: ${name}`;
  return [
    [named('dashboard'), 'Dashboard', rest],
    ...panels.map((panel) => [
      named(panel.title), panel.type === 'row' ? 'Row' : `Panel<${JSON.stringify(panel.type)}>`, panel]),
    ...templating.list.map((variable) => [named(`variable ${variable.name}`), 'Variable', variable]),
    ...annotations.list.map((annotation) => [named(`annotation ${annotation.name}`), 'Annotation', annotation]),
  ];
}

const all = process.argv.slice(2).flatMap(parts);
// A line for each part, so that the line of a fault is the part's number.
const lines = all.map(([, type, value], index) => `export const part${index}: ${type} = ${JSON.stringify(value)};`);
const text = `import type { Annotation, Dashboard, Panel, Row, Variable } from './types.ts';\n${lines.join('\n')}\n`;

const options = {
  strict: true, noEmit: true, allowImportingTsExtensions: true, skipLibCheck: true, types: [],
  module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler, target: ts.ScriptTarget.ES2022,
};
const host = ts.createCompilerHost(options);
const checked = join(here, 'checked.ts');
const { readFile, fileExists } = host;
host.readFile = (name) => (name === checked ? text : readFile(name));
host.fileExists = (name) => name === checked || fileExists(name);
const { getSourceFile } = host;
host.getSourceFile = (name, ...more) =>
  name === checked ? ts.createSourceFile(name, text, ts.ScriptTarget.ES2022) : getSourceFile(name, ...more);

const program = ts.createProgram([checked], options, host);
const faults = ts.getPreEmitDiagnostics(program);
for (const { file, start, messageText } of faults) {
  const message = ts.flattenDiagnosticMessageText(messageText, '; ').replace(/\s+/g, ' ');
  const line = file ? file.getLineAndCharacterOfPosition(start).line : 0;
  const name = file?.fileName === checked && line > 0 ? all[line - 1][0] : (file?.fileName ?? '');
  console.log(`${name}: ${message}`);
}
console.log(`${all.length} parts, ${faults.length} faults`);
process.exit(faults.length > 0 || all.length === 0 ? 1 : 0);
