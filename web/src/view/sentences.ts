// What the service says, in the viewer's language, units and zone. What it says in words that the page does not know stays as it is.
import { signal } from "@preact/signals";
import type { Command } from "../api/types";
import { basisOf, dampness, filled, parsed, warmth } from "../compute/phrases";
import { translator } from "../compute/told";
import { dateTime, localeInUse, moment, number, percent, quantity, sure, t } from "../text";

const digitsOf = (text: string) => text.split(".")[1]?.length ?? 0;
const numeric = (text: string) => Number(text.replace("−", "-"));

/** A number as its sentence has it, in the viewer's locale. */
const numberIn = (text: string) => number(numeric(text), digitsOf(text));

/** `a person on the page`, `Karl by the API`. */
function person(text: string): string {
  const { said } = t();
  for (const [hand, words] of Object.entries(said.hand)) {
    if (text === `a person ${hand}`) return words(said.person);
    if (text.endsWith(` ${hand}`)) return words(text.slice(0, -hand.length - 1));
  }
  return text === "a person" ? said.person : text;
}

/** A value in a clause: degrees in the viewer's unit, points with their sign. */
function valueIn(text: string): string {
  if (text.endsWith(" °C")) return quantity("temperature", numeric(text.slice(0, -3)), "°C", digitsOf(text.slice(0, -3)));
  if (text.endsWith(" %")) return percent(numeric(text.slice(0, -2)));
  const points = /^([+−])(\d+)$/.exec(text);
  return points ? `${points[1]}${number(Number(points[2]))}` : text;
}

function basis(text: string): string | null {
  const { said } = t(),
    { clauses, doubt } = basisOf(text);
  // Another model's own words stay together.
  if (!clauses.every(({ words }) => words in said.air)) return null;
  const shown = clauses.map(({ words, inside }) => {
    const word = said.air[words]!;
    return inside.length ? `${word} (${inside.map(valueIn).join(", ")})` : word;
  });
  return shown.join(", ") + (doubt ? said.doubt[doubt] : "");
}

function part(type: string, value: string): string | null {
  switch (type) {
    case "n":
      return numberIn(value);
    case "celsius":
      return valueIn(value);
    case "time":
      return moment(value);
    case "span":
      return value.replace(/(\d+) days$/, (_, count: string) => t().said.days(number(Number(count))));
    case "phrase":
      return sentence(value) ?? value;
    case "basis":
      return basis(value);
    case "who":
      return person(value);
    case "quantity":
      return t().quantity[value] ?? value;
    default:
      return value;
  }
}

function sentence(text: string): string | null {
  const found = parsed(text);
  if (!found) return null;
  return filled(t().said.phrase[found.template], found.values, part);
}

/** What says the service's other sentences, and the words of its lists. */
interface Words {
  sentence: (text: string) => string | null;
  codes: Readonly<Record<string, string>>;
}

const german = signal<Words | null>(null);
let loading: Promise<void> | null = null;

const NUMBER = /^[−-]?\d+(\.\d+)?$/,
  TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d[\d:.]*Z$/;

/** A value in such a sentence. */
function value(text: string): string {
  if (NUMBER.test(text) && text.length < 12) return numberIn(text);
  return TIME.test(text) ? dateTime(text) : (sentence(text) ?? text);
}

async function load(): Promise<void> {
  const { tables, codes } = await import("../text/de-service");
  german.value = { sentence: translator(tables, value), codes };
}

/** The words of the language in use; null where it is the service's own, and until they have come. Whoever reads it is drawn again then. */
function words(): Words | null {
  if (!localeInUse().startsWith("de")) return null;
  const known = german.value;
  if (!known) void fetched();
  return known;
}

async function fetched(): Promise<void> {
  loading ??= load();
  // What did not come is asked for again with the next sentence.
  await loading.catch(() => (loading = null));
}

/** A sentence of the service about windows, sensors and settings as the viewer reads it. */
export const say = (text: string): string => sentence(text) ?? (text && words()?.sentence(text)) ?? text;

/** A sentence of the service about itself, about messages or about a request. */
export const told = (text: string): string => (text && words()?.sentence(text)) || say(text);

/** The same for what is kept: once the words are there. */
export async function toldOnce(text: string): Promise<string> {
  if (localeInUse().startsWith("de")) await fetched();
  return told(text);
}

/** A word of the service's lists. */
export const word = (code: string): string => words()?.codes[code] ?? code.replaceAll("_", " ");

/** How far a decision's input lies from the model's training, and what that took of its confidence; empty where that is not known. */
export function guardWords({ confidence, model_confidence: own, largest_z: distance }: Partial<Command>): string {
  if (confidence == null || own == null || distance == null) return "";
  const { room } = t(),
    deviations = number(distance, 1);
  return sure(own) === sure(confidence) ? room.distance(deviations) : room.lowered(sure(own), deviations);
}

/** More about an event of a device. */
export function eventWords(event: string, detail: string): string {
  const [, kind, problem] = (event === "recovered" && /^(\w+): (.+)$/.exec(detail)) || [];
  return kind && problem ? `${t().room.event[kind] ?? kind}: ${say(problem)}` : say(detail);
}

/** A reason for a glance: what weighed, without its numbers. */
export function because(text: string): string {
  const values = parsed(text)?.values,
    { said, wish } = t();
  if (!values?.["basis"]) return say(text);
  const { clauses } = basisOf(values["basis"]);
  if (!clauses.every(({ words }) => words in said.air)) return say(text);
  return wish.because(clauses.map(({ words }) => said.air[words]).join(", "));
}

/** Why a setting cannot be used. */
export const refusalIn = say;
export const scheduleWords = say;

/** An interlock in force, and how far the window may open meanwhile. */
export function interlockWords(interlock: { cause: string; text: string; most: number; until?: string | null }): string {
  const { cause, text, most, until } = interlock,
    { schedules, rules, override } = t(),
    words = (text && sentence(text)) || text || (rules.cause[cause] ?? cause),
    said = most > 0 ? schedules.inForce(words, percent(most)) : schedules.shutBy(words);
  // Its cause is over, and it waits whether it stays so.
  return until ? `${said} ${override.until(moment(until))}` : said;
}

/** What moved a window and why: in the service's sentence where the page can say it, and else by the numbers that it is based on. */
export function whyMoved(
  command: Pick<Command, "reason" | "contributions" | "temperature" | "humidity" | "verdict" | "origin">,
): string {
  const { reason, contributions: points, temperature, humidity } = command;
  const said = reason ? sentence(reason) : null;
  if (said !== null) return said;
  if (points && temperature != null && humidity != null) {
    const clauses: [string, string, number][] = [
      [warmth(temperature), quantity("temperature", temperature, "°C", 1), points.temperature],
      [dampness(humidity), percent(humidity), points.humidity],
      ["sound", "", points.sound],
    ];
    const worth = clauses
      .filter(([, , weight]) => Math.abs(weight) >= 0.5)
      .sort(([, , one], [, , other]) => Math.abs(other) - Math.abs(one));
    const signed = (weight: number) => `${weight < 0 ? "−" : "+"}${number(Math.abs(weight))}`;
    const built = worth.map(
      ([words, value, weight]) => `${t().said.air[words]} (${[value, signed(weight)].filter(Boolean).join(", ")})`,
    );
    if (built.length) return built.join(", ");
  }
  return reason || t().said.origin[command.origin] || t().room.reasonless;
}
