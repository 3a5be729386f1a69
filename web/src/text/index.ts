// The language in use, and numbers and times as its readers write them.
import { signal, computed } from "@preact/signals";
import { isSameDay, remaining, span } from "../compute/time";
import { shown, usualUnit, type TemperatureUnit } from "../compute/units";
import { preference } from "../state/preferences";
import { en, type Texts } from "./en";

export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

const texts = signal<Texts>(en);
const locale = signal("en");

/** The texts of the language in use. */
export const t = (): Texts => texts.value;

/** The locale of numbers and times: the viewer's own, where it is of the language in use. */
export const localeInUse = (): string => locale.value;

function usualLanguage(): Language {
  const wanted = navigator.languages.map(tag => tag.slice(0, 2));
  return (wanted.find(tag => tag in LANGUAGES) as Language | undefined) ?? "en";
}

export function languageInUse(): Language {
  const chosen = preference("language").value;
  return chosen && chosen in LANGUAGES ? (chosen as Language) : usualLanguage();
}

/** Loads the texts of a language; English is part of the page. */
export async function speak(language: Language): Promise<void> {
  const loaded = language === "de" ? (await import("./de")).de : en;
  locale.value = navigator.languages.find(tag => tag.startsWith(language)) ?? language;
  texts.value = loaded;
  document.documentElement.lang = language;
}

export const temperatureUnit = computed<TemperatureUnit>(() => {
  const chosen = preference("unit").value;
  return chosen === "C" || chosen === "F" ? chosen : usualUnit(navigator.language);
});

const made = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat>();

function once<F extends Intl.NumberFormat | Intl.DateTimeFormat>(name: string, make: (locale: string) => F): F {
  const key = `${locale.value} ${name}`;
  let format = made.get(key) as F | undefined;
  if (!format) made.set(key, (format = make(locale.value)));
  return format;
}

export function number(value: number, digits = 0): string {
  // A sign before nothing says nothing.
  const shown = Number(value.toFixed(digits)) === 0 ? 0 : value;
  return once(`n${digits}`, tag => new Intl.NumberFormat(tag, { minimumFractionDigits: digits, maximumFractionDigits: digits }))
    .format(shown)
    .replace("-", "−");
}

export const percent = (value: number, digits = 0): string => `${number(value, digits)} %`;

/** A confidence of 0 to 1. */
export const sure = (confidence: number): string => percent(confidence * 100);

/** A value of a quantity with its unit, as the viewer reads it. */
export function quantity(name: string, value: number, unit: string, digits: number): string {
  const as = shown(name, value, unit, temperatureUnit.value);
  return `${number(as.value, digits)} ${as.unit}`.trim();
}

export function bytes(count: number): string {
  const step = Math.min(3, Math.max(0, Math.floor(Math.log2(Math.max(count, 1)) / 10)));
  return `${number(count / 1024 ** step, step && count / 1024 ** step < 10 ? 1 : 0)} ${["B", "KiB", "MiB", "GiB"][step]}`;
}

export function clock(time: string | number | Date): string {
  return once("clock", tag => new Intl.DateTimeFormat(tag, { hour: "numeric", minute: "2-digit" })).format(new Date(time));
}

/** A time of today, or with its day. */
export const moment = (time: string | number | Date): string =>
  isSameDay(new Date(time), new Date()) ? clock(time) : dateTime(time);

/** A time of any day, `HH:MM`, as the viewer's clock shows it; anything else stays as it is. */
export function timeOfDay(text: string): string {
  const found = /^(\d\d):(\d\d)$/.exec(text);
  return found ? clock(new Date(2001, 0, 1, Number(found[1]), Number(found[2]))) : text;
}

/** Hours of a day, from and until. */
export const hours = ({ from, until }: { from: string; until: string }): string => `${timeOfDay(from)} – ${timeOfDay(until)}`;

/** A day of any year, `MM-DD`; anything else stays as it is. */
export function dayOfYear(text: string): string {
  const found = /^(\d\d)-(\d\d)$/.exec(text);
  if (!found) return text;
  const day = new Date(2000, Number(found[1]) - 1, Number(found[2]));
  return once("day of year", tag => new Intl.DateTimeFormat(tag, { month: "short", day: "numeric" })).format(day);
}

export function dateTime(time: string | number | Date): string {
  return once(
    "date",
    tag => new Intl.DateTimeFormat(tag, { weekday: "short", day: "numeric", month: "short", hour: "numeric", minute: "2-digit" }),
  ).format(new Date(time));
}

export function day(time: string | number | Date): string {
  return once("day", tag => new Intl.DateTimeFormat(tag, { year: "numeric", month: "short", day: "numeric" })).format(
    new Date(time),
  );
}

/** How long ago a time was, by the clock `now`. */
export function ago(timestamp: string, now: number): string {
  const { count, unit } = span(now - Date.parse(timestamp));
  return t().ago[unit](number(count));
}

/** How long it is until a time. */
export function left(timestamp: string, now: number): string {
  const { count, unit, minutes } = remaining(Date.parse(timestamp) - now);
  return t().left[unit](number(count), minutes ? number(minutes) : "");
}
