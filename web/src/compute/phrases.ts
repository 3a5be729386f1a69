// The service's sentences, taken apart: which of them it is, and the values in it. Pure.
//
// In: a sentence in English as the API gives it. Out: its template and its values, from which the page says the same in the viewer's
// language, units and zone; null for a sentence that is none of these.

/** Placeholders, by their type. A second one of a type has a number. */
const TYPES: Record<string, string> = {
  n: String.raw`[−-]?\d+(?:\.\d+)?`,
  /** With its unit, as `21.5 °C`. */
  celsius: String.raw`[−-]?\d+(?:\.\d+)? °C`,
  time: String.raw`\d{4}-\d\d-\d\dT[\d:.]+Z`,
  /** As `10 min`, `2 days`. */
  span: String.raw`\d+ (?:s|min|h|days)`,
  /** Another sentence of these. */
  phrase: ".+?",
  /** What a prediction is based on. */
  basis: ".+?",
  /** A person, and by which hand. */
  who: ".+?",
  /** A quantity's word. */
  quantity: "[a-z_0-9]+",
  /** What somebody has chosen, or says: left as it is. */
  text: ".+?",
};

/** Every sentence that the service says of windows, sensors and settings. */
export const TEMPLATES = [
  // What the model does (crates/ml/src/reason.rs, floor.rs).
  "set to {n} %: {basis}",
  "kept at {n} %: {basis}",
  "opened to {n} %: {basis}",
  "closed to {n} %: {basis}",
  "shut: {basis}",
  "set to {n} %, the most that is allowed now (wished for {n2} %): {basis}",
  "kept at {n} %, the most that is allowed now (wished for {n2} %): {basis}",
  "opened to {n} %, the most that is allowed now (wished for {n2} %): {basis}",
  "closed to {n} %, the most that is allowed now (wished for {n2} %): {basis}",
  "shut, the most that is allowed now (wished for {n2} %): {basis}",
  "set to {n} %, the least that is allowed now (wished for {n2} %): {basis}",
  "kept at {n} %, the least that is allowed now (wished for {n2} %): {basis}",
  "opened to {n} %, the least that is allowed now (wished for {n2} %): {basis}",
  "closed to {n} %, the least that is allowed now (wished for {n2} %): {basis}",
  "shut, as {n} % is too little to open for: {basis}",
  "set to {n} %, as {n2} % is too little to open for: {basis}",
  "kept at {n} %, as {n2} % is too little to open for: {basis}",
  "wished for {n} %: {basis}; not carried out: {phrase}",
  "confidence {n} is below {n2}",
  // Why a window stays, and what limits it (crates/domain/src/law).
  "nobody asked for a move",
  "it is there already",
  "a person decides until {time}",
  "a person decides until they say otherwise",
  "a schedule decides until {time}",
  "these are its quiet hours",
  "it moved a moment ago; again from {time}",
  "the change is too small to be worth the motor",
  "there is an alarm",
  "there is an alarm ({text})",
  "it rains",
  "it rains ({n} mm/h)",
  "it blows too hard",
  "it blows too hard ({n} m/s)",
  "it freezes outside",
  "it freezes outside ({celsius})",
  "the window is locked",
  "the child lock is on",
  "its settings limit it now",
  "{phrase}: at most {n} % open",
  "{phrase}: no longer",
  // Schedules (crates/domain/src/schedule).
  "a schedule",
  "set for {text}",
  "airing is over: back to where the window was",
  "night cooling is over: back to where the window was",
  "a fixed time is over: back to where the window was",
  "night cooling: {celsius} inside, {celsius2} outside",
  "airing for {n} min: {n2} ppm CO₂, above {n3}",
  "airing for {n} min: {n2} % humidity, above {n3}",
  "it needs latitude and longitude to know the sun",
  // People, and what becomes of commands (crates/backend/src/windows).
  "moved by {who}",
  "back to where it was put by {who}",
  "{n} % until {time} by {who}",
  "{n} % by a command of a person's",
  "{n} % by {who}",
  "by {who}",
  "its time is over",
  "the window stands at {n} % until {time}",
  "the window stands at {n} %",
  "the window stands at {n} %; it is told again",
  "the window stands at an unknown place; it is told again",
  "told again ({n} of 3): it stopped at {n2} % on its way to {n3} %",
  "told again ({n} of 3): it stopped at an unknown place on its way to {n3} %",
  "the window stands at {n} % and was told four times to go to {n2} %: look at motor, fuse and frame",
  "the window stands at an unknown place and was told four times to go to {n2} %: look at motor, fuse and frame",
  "it began anew and does not say where it stands",
  "another command came before it was carried out",
  "it could not be sent in time: the broker was away",
  "a person moved the window",
  "the window began anew",
  "the device is gone",
  "version {n}",
  "version {n}: {text}",
  // Sensors and devices (crates/backend/src/devices/health, trigger/freshness.rs).
  "{quantity} is {span} old; after {span2} it counts for nothing",
  "it said that it goes, or its broker said that it is lost",
  "nothing was heard of it for {span}",
  "its data are older than {span}",
  "its data are older than {span}; they are expected every {span2}",
  "{quantity} has been {n} to the last digit for more than {span}: restart the device, and look at the sensor's wiring",
  "{quantity} went from {n} to {n2} within a minute: a loose wire, or a sensor that was moved",
  "its clock is ahead by {span}: let it ask a time server, or device/{text}/time",
  "its clock is behind by {span}: let it ask a time server, or device/{text}/time",
  "its clock stands still: look at its battery and at where it gets its time; it stated {text}",
  "its clock was never set: let it ask a time server, or device/{text}/time; it stated {text2}",
  "its clock is ahead: look at its time server and its time zone; it stated {text}",
  "it sends much of what it says more than once: it may not see acknowledgements; look at its reception",
  // Settings and names that cannot be used (crates/domain/src/settings, crates/registry/src/book.rs).
  "is {n}; it may be {n2} to {n3}",
  "has a least ({n}) above its most ({n2})",
  "is longer than clip_interval_s ({n})",
  "is longer than every_s ({n})",
  "is above the limit ({n}): the cause would be there and gone at once",
  "is below the limit ({n}): the cause would be there and gone at once",
  "is missing: when the window goes there",
  "is missing: where the window goes, 0 to 100",
  "needs from and until, such as 22:00 and 06:30, or sunset and sunrise",
  "needs humidity_above or co2_above: it would never be due",
  "has only one of from and until",
  "limits nothing: it has neither min nor max",
  "is no name of a time zone, such as Europe/Berlin",
  "has more than {n} entries",
  "has more than {n} characters",
  "has control characters",
] as const;

export type Template = (typeof TEMPLATES)[number];

const HOLE = /\{([a-z]+)(\d*)\}/g;

interface Compiled {
  template: Template;
  pattern: RegExp;
}

function compiled(template: Template): Compiled {
  let text = "",
    end = 0;
  for (const hole of template.matchAll(HOLE)) {
    text += escaped(template.slice(end, hole.index)) + `(?<${hole[1]}${hole[2]}>${TYPES[hole[1]!]})`;
    end = hole.index + hole[0].length;
  }
  return { template, pattern: new RegExp(`^${text}${escaped(template.slice(end))}$`, "u") };
}

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, String.raw`\$&`);

// The longer a template's own words, the more it says of a sentence.
const weight = (template: string) => template.replace(HOLE, "").length;
const KNOWN = [...TEMPLATES].sort((one, other) => weight(other) - weight(one)).map(compiled);

/** Which sentence it is, with its values by placeholder. */
export function parsed(sentence: string): { template: Template; values: Record<string, string> } | null {
  for (const { template, pattern } of KNOWN) {
    const found = pattern.exec(sentence);
    if (found) return { template, values: { ...found.groups } };
  }
  return null;
}

/** Fills a template, each value as `say` says it by its type. */
export function filled(
  template: string,
  values: Record<string, string>,
  say: (type: string, value: string) => string | null,
): string | null {
  let whole = true;
  const text = template.replace(HOLE, (_, type: string, number: string) => {
    const said = say(type, values[type + number] ?? "");
    if (said === null) whole = false;
    return said ?? "";
  });
  return whole ? text : null;
}

/** What a prediction is based on, clause by clause. */
export interface Basis {
  clauses: { words: string; inside: string[] }[];
  doubt: "far" | "unknown" | null;
}

const DOUBTS = {
  far: "; this lies far from what the model was trained on",
  unknown: "; how sure the model is, it does not know",
} as const;

/** Takes a basis apart, as `warm (26.4 °C, +38), quiet (+6)`. */
export function basisOf(text: string): Basis {
  const doubt = (["far", "unknown"] as const).find(kind => text.endsWith(DOUBTS[kind])) ?? null;
  const plain = doubt ? text.slice(0, -DOUBTS[doubt].length) : text;
  const clauses = plain.split(/, (?![^(]*\))/).map(clause => {
    const found = /^(.+?) \((.+)\)$/.exec(clause);
    return found ? { words: found[1]!, inside: found[2]!.split(", ") } : { words: clause, inside: [] };
  });
  return { clauses, doubt };
}

/** Air in the service's words, at the same bounds (crates/ml/src/reason.rs; humidity: EN 16798-1, EN ISO 13788). */
export function warmth(celsius: number): string {
  return celsius < 16 ? "cold" : celsius < 20 ? "cool" : celsius < 24 ? "mild" : celsius < 27 ? "warm" : "hot";
}

export function dampness(percent: number): string {
  return percent < 25 ? "dry air" : percent < 60 ? "comfortable humidity" : percent < 75 ? "damp air" : "very damp air";
}
