// The service's own words of itself, as its source has them: whoever adds a sentence there is told that it has no German yet.
import { describe, expect, it } from "vitest";
import { translator } from "../src/compute/told";
import { parsed, TEMPLATES } from "../src/compute/phrases";
import { checks } from "../src/text/de-checks";
import { codes, refusals } from "../src/text/de-refusals";
import { tables } from "../src/text/de-service";
import { de } from "../src/text/de";
import { files, read, sentences, sentencesOf } from "./rust";

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
  // Templates have it for either word.
  "its clock is {direction} by {span}: let it ask a time server, or device/{{device_id}}/time",
  // The API: what is no answer to anybody at the page, and the pages about the API.
  "Every error of the API is one of these (RFC 9457).",
  "No such kind of problem",
  "public, max-age=31536000, immutable",
  "the file is cut",
  "id: {id}\\nevent: reset\\ndata: {}",
  "id: {id}\\nevent: {name}\\ndata: {data}",
  // The pages to sign in, which are the service's own.
  "This link has expired, or was taken back.",
  "This link was used before, or is older than 15 minutes. A new one: casement accounts link",
  "send name and password as a form (application/x-www-form-urlencoded)",
  "This account has no page: readers, operators and admins have.",
  "{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}",
  // Files that cannot be used: told at a start.
  "nobody has this password",
  "registry of devices",
  "{path} was written by {} (format {found}), and this is Casement {}, which knows format {FORMAT}; nothing was changed: use the newer version, or move the file away, and everybody signs in anew",
  "a newer Casement",
  "{0} has at most 128 characters and no control characters",
  // What a library says, which is said in other words.
  "unknown field `",
  "unknown field `{name}`, expected one of {}",
  "number out of range",
  "unknown variant `",
  "missing field `",
  "duplicate field `",
  "data did not match any variant",
  "invalid digit found in string",
  "cannot parse integer from empty string",
  "number too large to fit in target type",
  "number too small to fit in target type",
  "invalid float literal",
  "cannot parse float from empty string",
  "provided string was not `true` or `false`",
  "recursion limit exceeded",
  "`, there are no ",
  "key must be",
  "key must be a string",
  "expected `,` or `}`",
  "expected `,` or `]`",
  "floating point `",
  "a nonzero u32",
  "a nonzero usize",
  "a nonzero u64",
  "a borrowed string",
  "there are no",
  // Trainings and models: parts of names, what a program says to itself, and files that are written.
  "there is no order: `casement trainer` is started by a running service; use `casement train`",
  "it was made above",
  "of JSON lines",
  " in line 1",
  "it is not UTF-8 text; save it as UTF-8",
  "cannot read {name} (--from takes simulator, clickhouse, or a file of JSON lines)",
  "{name} cannot be used",
  " at line {line} column {column}",
  "unsupported Python type '",
  "{} {ty} [{}]",
  "tensor '{}' does not fill its shape",
  // The broker: figures, and what it says of itself.
  "This port speaks MQTT, not HTTP.",
  "HTTP/1.1 400 Bad Request\\r\\nContent-Type: text/plain\\r\\nContent-Length: {}\\r\\nConnection: close\\r\\n\\r\\n{text}",
  " ({untold} more like it before)",
  "Accounts in use",
  "Devices that wait to be approved",
  "Whether devices may introduce themselves",
  "Changes of the accounts that were followed",
  "Wrong names or passwords",
  "Attempts refused without a look, after too many failures",
  "Passwords that were compared by argon2id",
]);

/** Whatever the values of a sentence are called. */
const bare = (text: string) => text.replace(/\{\w*(?::[^{}]*)?\}/g, "{}");
const TOLD = new Set(Object.keys(tables).map(bare));
const unknown = (said: readonly string[]) => [...new Set(said)].filter(text => !TOLD.has(bare(text)));

/** Sentences that the service puts together of parts which are none by themselves. */
const COMPOSED = new Set(["the number {}"]);

describe("German has every sentence", () => {
  const isSaid = (text: string) => !UNSAID.has(text) && !/^(INSERT|SELECT) /.test(text) && /\p{L}{2}/u.test(text);
  it("of the checks", () => {
    const said = [...files("casement/src/doctor"), "engine/src/sandbox.rs"].flatMap(sentences).filter(isSaid);
    expect(said.length).toBeGreaterThan(150);
    expect(said.filter(text => !(text in checks))).toEqual([]);
    expect(Object.keys(checks).filter(text => text.split(" ").length > 2 && !said.includes(text))).toEqual([]);
  });
  it.each<[string, string[], number]>([
    [
      "of problems and of the audit log",
      [
        ...["authority", "changes", "lib", "merge", "revision", "range", "state"].map(name => `api/src/${name}.rs`),
        ...["api/src/past", "api/src/routes", "people/src", "monitoring/src/problem"],
        ...["extract", "words", "requests", "site", "panics"].map(name => `monitoring/src/${name}.rs`),
        ...["account", "book", "guests", "login", "tokens"].map(name => `accounts/src/${name}.rs`),
        ...["book.rs", "book"].map(name => `registry/src/${name}`),
      ],
      150,
    ],
    [
      "of trainings and models",
      ["error", "example", "jsonl"]
        .map(name => `training/src/${name}.rs`)
        .concat("casement/src/trainer", "casement/src/examples.rs", "model/src"),
      130,
    ],
    [
      "of the broker's door",
      [
        ...["admission", "ending", "entering", "handshake", "incoming", "inspection", "packet", "refusal", "shared", "sniff"],
        ...["subscribing", "takeovers", "terms", "topic", "websocket", "wire"],
      ]
        .map(name => `broker/src/${name}.rs`)
        .concat("tls/src/handshake.rs", "casement/src/doorkeeper.rs", "casement/src/door_book.rs"),
      140,
    ],
  ])("%s", (_, folders, least) => {
    // The pages to sign in have their own German.
    const own = "people/src/pages.rs";
    const said = folders
      .flatMap(files)
      .filter(file => file !== own)
      .flatMap(sentences)
      .filter(isSaid);
    expect(said.length).toBeGreaterThan(least);
    expect(unknown(said).filter(text => parsed(text) === null)).toEqual([]);
  });
  it("of values, settings, windows and messages", () => {
    // What templates say, with their values; each fragment of a sentence is one of theirs.
    const templates = TEMPLATES.map(template => template.split(/\{\w+\}/).join("\0")).join("\0");
    const isTemplate = (text: string) => text.split(/\{[^{}]*\}/).every(fragment => templates.includes(fragment.trim()));
    const said = [
      ...["domain/src/fault.rs", "domain/src/device.rs", "domain/src/reading.rs", "domain/src/law", "domain/src/settings"],
      ...["backend/src/windows/findings.rs", "backend/src/windows/people.rs", "backend/src/windows/turn.rs"],
      ...["claims", "clips", "clocks", "decoder", "doubt", "history", "inspection", "judge"].map(
        name => `backend/src/${name}.rs`,
      ),
      ...["backend/src/devices", "backend/src/rules/look.rs", "backend/src/rules/recalled.rs", "backend/src/rules/view.rs"],
    ]
      .flatMap(files)
      .flatMap(sentences)
      .filter(isSaid);
    expect(said.length).toBeGreaterThan(120);
    expect(unknown(said).filter(text => parsed(text) === null && !isTemplate(text))).toEqual([]);
  });
  it("about payloads", () => {
    const said = files("mqtt/src/payload").flatMap(sentences).filter(isSaid);
    expect(said.length).toBeGreaterThan(80);
    expect(said.filter(text => !(text in refusals))).toEqual([]);
  });
  it("that is in its table at all", () => {
    const crates = [
      "accounts",
      "api",
      "backend",
      "broker",
      "casement",
      "domain",
      "engine",
      "model",
      "monitoring",
      "mqtt",
      "people",
    ];
    const others = [...crates, "registry", "tls", "training"].flatMap(name => files(`${name}/src`)).flatMap(sentences);
    const known = new Set([...others, ...COMPOSED]);
    expect(Object.keys(tables).filter(text => text.split(" ").length > 2 && !known.has(text))).toEqual([]);
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
  it("of the page to sign in", () => {
    const said = ["people/src/sign_in.rs", "people/src/share_links.rs"]
      .flatMap(sentences)
      .filter(text => /^[A-Z].*[.]$|link$/.test(text));
    expect(said.length).toBeGreaterThan(6);
    const german = read("people/src/pages.rs");
    expect([...new Set(said)].filter(text => /^[A-Z]/.test(text) && !german.includes(`"${text}" =>`))).toEqual([]);
  });
  it("of the audit log", () => {
    const people = files("people/src").flatMap(file => all(file, /kind: "([a-z_]+)"/g)),
      routes = files("api/src").flatMap(file => all(file, /(?:kind:|note\(\s*&?\w+,\s*&?\w+,)\s*"([a-z_]+)"/g)),
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
  const said = translator(tables, text => (/^\d+\.\d+$/.test(text) ? text.replace(".", ",") : text));
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
      "der Inhalt ist eine Liste, kein Objekt: bitte ein Objekt in { } senden",
    ],
    ["is not within 1 to 100", "liegt nicht zwischen 1 und 100"],
    ['is the text "x"; a number is expected', 'ist der Text "x"; erwartet wird eine Zahl'],
    ["is 'two'; there is one_thing, another", "ist 'two'; es gibt one_thing, another"],
    [
      "POST /api/v1/models: this is for the role admin (3 more like it before)",
      "POST /api/v1/models: das ist für die Rolle admin (davor 3 weitere von dieser Art)",
    ],
    ["by a token", "mit einem Token"],
    ["device 'room-1' is set up: name, retired (out of use)", "Gerät 'room-1' eingerichtet: name, außer Betrieb genommen"],
    [
      "the model is refused: the .pth file cannot be read: it has an unknown opcode",
      "das Modell wird abgelehnt: die .pth-Datei ist nicht zu lesen: es hat einen unbekannten Befehl",
    ],
    [
      'client "esp-7" at 192.0.2.1:4711: no account "esp-7" has this password; check user name and password; `casement devices rotate ID` makes a new one',
      'Client "esp-7" bei 192.0.2.1:4711: kein Konto "esp-7" hat dieses Passwort; bitte Benutzername und Passwort prüfen; `casement devices rotate ID` macht ein neues',
    ],
    ["there is no account 'esp-7'; did you mean 'esp-8'?", "ein Konto 'esp-7' gibt es nicht; ist 'esp-8' gemeint?"],
  ])("%s", (text, expected) => expect(said(text)).toBe(expected));
  it("that are others' stay as they are", () => {
    expect(said("Somebody at home: says what they like")).toBeNull();
    expect(said("the window of Ann is for those who like it")).toBeNull();
  });
  it("have the values of their own words, each once", () => {
    const counted = Object.entries(tables).filter(([sentence, words]) => {
      const holes = sentence.replace(/\{\{|\}\}|\{ \}|\{"position"[^}]*\}/g, "").match(/\{[^{}]*\}/g)?.length ?? 0,
        used = [...words.matchAll(/\{(\d)\}/g)].map(([, number]) => Number(number));
      return used.length !== holes || used.some(number => number > holes);
    });
    expect(counted).toEqual([]);
  });
});

it("texts are found in source, but for those of logs, attributes and tests", () => {
  const source = `
    #[schema(examples("an example of it"))] // "a comment of it"
    #[error("the file {path} is lost")]
    warn!(%path, "a line of a log"); expect("a fault of ours");
    let marks = ['"', '\\'']; bail!("it begins \\"so\\" \\
        and goes on\\n");
    gauge { help: "a figure of ours" }
    #[cfg(test)]
    mod tests { fn it() { "not of a test"; } }`;
  expect(sentencesOf(source)).toEqual(["the file {path} is lost", 'it begins "so" and goes on']);
});
