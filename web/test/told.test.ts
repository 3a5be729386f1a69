// The service's own words of itself, as its source has them: whoever adds a sentence there is told that it has no German yet.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { translator } from "../src/compute/told";
import { checks } from "../src/text/de-checks";
import { codes, refusals } from "../src/text/de-refusals";
import { de } from "../src/text/de";

const CRATES = new URL("../../crates", import.meta.url).pathname;

const files = (folder: string): string[] =>
  readdirSync(join(CRATES, folder), { recursive: true, encoding: "utf8" })
    .filter(name => name.endsWith(".rs") && !/tests?\.rs$/.test(name))
    .map(name => join(folder, name));

const read = (file: string): string => readFileSync(join(CRATES, file), "utf8");

/** The texts of a file that are sentences, but for its tests. */
function sentences(file: string): string[] {
  const source = read(file)
    .split(/\n\s*#\[cfg\(test\)\]\s*\n\s*mod /)[0]!
    .replace(/b?'(\\.|[^\\'])'/g, "' '")
    .replace(/^\s*\/\/.*$/gm, "");
  return [...source.matchAll(/"((?:[^"\\]|\\[^])*)"/g)]
    .map(([, text]) => text!.replace(/\\\n\s*/g, "").replace(/\\"/g, '"'))
    .filter(text => text.trim().split(" ").length > 2);
}

/** What nobody reads: statements, names, and what a program says to itself. */
const UNSAID = new Set([
  // Doctor.
  "one has this state",
  "everything that was looked at is well",
  "{warnings} to look at, nothing failed",
  "{failed} failed, {warnings} more to look at",
  "it is part of the program",
  "letters and digits",
  "a device's account is its id",
  "{} {where_it_is}; {}",
  "the engine's process is not fully confined",
  // Payloads.
  "an alarm is on or off",
  "a status is online or offline",
  "it was found above",
  "a map of JSON values is JSON",
  "text and numbers always become JSON",
  "; 'sample_rate' is in hertz, not in kilohertz",
  "; 'duration' is in seconds, not in milliseconds",
]);

describe("German has every sentence", () => {
  const isSaid = (text: string) => !UNSAID.has(text) && !/^(INSERT|SELECT) /.test(text) && /\p{L}{2}/u.test(text);
  it("of the checks", () => {
    const said = [...files("casement/src/doctor"), "engine/src/sandbox.rs"].flatMap(sentences).filter(isSaid);
    expect(said.length).toBeGreaterThan(150);
    expect(said.filter(text => !(text in checks))).toEqual([]);
    expect(Object.keys(checks).filter(text => text.split(" ").length > 2 && !said.includes(text))).toEqual([]);
  });
  it("about payloads", () => {
    const said = files("mqtt/src/payload").flatMap(sentences).filter(isSaid);
    expect(said.length).toBeGreaterThan(80);
    expect(said.filter(text => !(text in refusals))).toEqual([]);
  });
  it("that is in its table at all", () => {
    const others = ["mqtt/src", "domain/src", "backend/src", "engine/src", "casement/src", "monitoring/src"]
      .flatMap(files)
      .flatMap(sentences);
    const known = new Set(others);
    expect(Object.keys(refusals).filter(text => text.split(" ").length > 2 && !known.has(text))).toEqual([]);
  });
});

describe("German has every word of a list", () => {
  const all = (file: string, pattern: RegExp) => [...read(file).matchAll(pattern)].map(([, word]) => word!);
  it("of reasons", () => {
    const reasons = all("domain/src/refusal.rs", /=> "([a-z_0-9]+)"/g),
      events = all("broker/src/events.rs", / = "([a-z_]+)",/g);
    expect([reasons.length > 15, events.length > 10]).toEqual([true, true]);
    expect([...reasons, ...events].filter(word => !(word in codes))).toEqual([]);
  });
  it("of the audit log", () => {
    const people = files("people/src").flatMap(file => all(file, /kind: "([a-z_]+)"/g)),
      routes = files("api/src").flatMap(file => all(file, /(?:kind:|note\(\s*&?\w+,\s*&?\w+,) "([a-z_]+)"/g)),
      broker = all("casement/src/door_book.rs", /Some\("([a-z_]+)"\)/g),
      actions = files("accounts/src").flatMap(file => all(file, /\.note\(\s*(?:hand|Hand \{[^}]*\}),\s*"([a-z_]+)"/g));
    const own = new Set(all("casement/src/audit.rs", /"(pairing|introduce|share|unshare|link)"/g));
    const accounts = actions.map(action => (own.has(action) ? action : `account_${action}`));
    expect([people.length > 4, routes.length > 5, broker.length, actions.length > 8]).toEqual([true, true, 4, true]);
    expect([...people, ...routes, ...broker, ...accounts].filter(word => !(word in codes))).toEqual([]);
  });
  it("of checks", () => {
    const names = all("casement/src/doctor/checks/mod.rs", /\b(?:quick|usual|slow)\(\s*"([a-z_]+)"/g);
    expect(names.length).toBeGreaterThan(20);
    expect(names.filter(name => !(name in de.doctor.check) && !(name in codes))).toEqual([]);
  });
});

describe("sentences", () => {
  const said = translator({ ...checks, ...refusals }, text => text.replace(".", ","));
  it.each([
    ["a sync takes 0.8 ms, the longest 2.1 ms", "das Sichern auf die Festplatte dauert 0,8 ms, das längste 2,1 ms"],
    [
      "the schema has version 24, as this program; ClickHouse has version 25.8",
      "die Tabellen haben Version 24, wie dieses Programm; ClickHouse hat Version 25,8",
    ],
    ["'value' is missing; there is temperature", "'value' fehlt; es gibt temperature"],
    [
      "not JSON at byte 9, '25,5': a decimal comma, or a comma too many: write 25.5",
      "kein JSON bei Byte 9, '25,5': ein Dezimalkomma, oder ein Komma zu viel: bitte 25.5 schreiben",
    ],
    [
      'the payload is 7, not an object: send an object, like {"value": 7, "timestamp": "2025-10-24T12:00:00Z"}',
      'der Inhalt ist 7, kein Objekt: bitte ein Objekt senden, etwa {"value": 7, "timestamp": "2025-10-24T12:00:00Z"}',
    ],
    [
      "the payload is a list, not an object: send an object in { }",
      "der Inhalt ist a list, kein Objekt: bitte ein Objekt in { } senden",
    ],
  ])("%s", (text, expected) => expect(said(text)).toBe(expected));
  it("that are others' stay as they are", () => {
    expect(said("Somebody at home: says what they like")).toBeNull();
    expect(said("the window of Ann is for those who like it")).toBeNull();
  });
  it("have the values of their own words, each once", () => {
    const counted = Object.entries({ ...checks, ...refusals }).filter(([sentence, words]) => {
      const holes = sentence.replace(/\{\{|\}\}|\{ \}|\{"position"[^}]*\}/g, "").match(/\{[^{}]*\}/g)?.length ?? 0,
        used = [...words.matchAll(/\{(\d)\}/g)].map(([, number]) => Number(number));
      return used.length !== holes || used.some(number => number > holes);
    });
    expect(counted).toEqual([]);
  });
});
