// The state of the form of schedules, limits and interlocks: everything as text, and back. Fields are named as the API's paths
// name them, so that what it refuses is told at its field.
import type { Hours, Schedule, Season, Settings } from "../api/types";
import { BOUNDS, entered, isHours, valueAt, type Bounds } from "../compute/settings";
import { enteredDifference, enteredTemperature, shownDifference, shownTemperature, type TemperatureUnit } from "../compute/units";
import type { Wrong } from "./draft";

/** How a value is written in its field. Minutes stand for the API's seconds. */
export type Kind = "number" | "minutes" | "temperature" | "difference" | "yes" | "word" | "names";

interface Spec {
  kind: Kind;
  bounds?: Bounds;
}

const SENSORS = ["rain", "wind", "frost"] as const;
export type Sensor = (typeof SENSORS)[number];

function sensorFields(sensor: Sensor): Record<string, Spec> {
  const value: Kind = sensor === "frost" ? "temperature" : "number";
  return {
    on: { kind: "yes" },
    limit: { kind: value },
    clear_at: { kind: value },
    most: { kind: "number", bounds: BOUNDS.opening },
    hold_s: { kind: "minutes", bounds: BOUNDS.hold_s },
    sensor: { kind: "word" },
    when_silent: { kind: "word" },
    silent_after_s: { kind: "minutes", bounds: BOUNDS.silent_after_s },
  };
}

const under = (prefix: string, fields: Record<string, Spec>) =>
  Object.entries(fields).map(([name, spec]) => [`${prefix}.${name}`, spec] as const);

/** Every single value of the form. */
export const FIELDS: Record<string, Spec> = Object.fromEntries([
  ...under("opening", { min: { kind: "number", bounds: BOUNDS.opening }, max: { kind: "number", bounds: BOUNDS.opening } }),
  ...SENSORS.flatMap(sensor => under(`interlocks.${sensor}`, sensorFields(sensor))),
  ...under("interlocks.alarm", {
    on: { kind: "yes" },
    alarms: { kind: "names" },
    most: { kind: "number", bounds: BOUNDS.opening },
    hold_s: { kind: "minutes", bounds: BOUNDS.hold_s },
  }),
  ...under("interlocks", { locked: { kind: "yes" }, child_lock: { kind: "number", bounds: BOUNDS.opening } }),
  ["override_s", { kind: "minutes", bounds: BOUNDS.override_s }],
  ["min_interval_s", { kind: "number", bounds: BOUNDS.min_interval_s }],
  ["min_move", { kind: "number", bounds: BOUNDS.min_move }],
  ["tolerance", { kind: "number", bounds: BOUNDS.tolerance }],
  ["outdoor_sensor", { kind: "word" }],
  ["time_zone", { kind: "word" }],
  ["latitude", { kind: "number", bounds: BOUNDS.latitude }],
  ["longitude", { kind: "number", bounds: BOUNDS.longitude }],
]);

/** A limit of opening at times, as its fields hold it. Empty hours or days: at any. */
export interface RuleDraft {
  from: string;
  until: string;
  first: string;
  last: string;
  min: string;
  max: string;
}

export type ScheduleKind = Schedule["kind"];
export type Day = NonNullable<NonNullable<Schedule["days"]>[number]>;
export const DAYS = [
  "monday",
  "tuesday",
  "wednesday",
  "thursday",
  "friday",
  "saturday",
  "sunday",
] as const satisfies readonly Day[];

/** A schedule as its fields hold it. */
export interface ScheduleDraft {
  name: string;
  kind: ScheduleKind;
  days: Day[];
  first: string;
  last: string;
  values: Record<string, string>;
}

const MOMENTS = ["at", "from", "until"] as const;

/** Which values a kind of schedule has. */
export const VALUES: Record<ScheduleKind, Record<string, Spec>> = {
  off: {},
  airing: {
    humidity_above: { kind: "number", bounds: BOUNDS.opening },
    co2_above: { kind: "number", bounds: { min: 0, max: 40_000 } },
    for_s: { kind: "minutes", bounds: BOUNDS.for_s },
    every_s: { kind: "minutes", bounds: BOUNDS.every_s },
    position: { kind: "number", bounds: BOUNDS.opening },
    from: { kind: "word" },
    until: { kind: "word" },
  },
  night_cooling: {
    from: { kind: "word" },
    until: { kind: "word" },
    position: { kind: "number", bounds: BOUNDS.opening },
    indoor_above: { kind: "temperature" },
    colder_by: { kind: "difference", bounds: { min: 0, max: 50 } },
  },
  fixed: {
    at: { kind: "word" },
    position: { kind: "number", bounds: BOUNDS.opening },
    for_s: { kind: "minutes", bounds: BOUNDS.for_s },
  },
};

/** What a new schedule begins with. */
export const BEGINNINGS: Record<Exclude<ScheduleKind, "off">, Record<string, string>> = {
  airing: { co2_above: "1200" },
  night_cooling: { from: "22:00", until: "06:30" },
  fixed: { at: "07:00", position: "0" },
};

export interface RulesDraft {
  /** By path; empty: not set at this level. */
  texts: Record<string, string>;
  quiet: Hours[] | null;
  rules: RuleDraft[] | null;
  schedules: ScheduleDraft[];
}

const plain = (value: number) => String(Number(value.toPrecision(9)));

/** A value as its field shows it. */
export function written(value: unknown, kind: Kind, unit: TemperatureUnit): string {
  if (value == null) return "";
  if (Array.isArray(value)) return value.join(", ");
  if (typeof value !== "number") return String(value);
  if (kind === "minutes") return plain(value / 60);
  if (kind === "temperature") return plain(shownTemperature(value, unit).value);
  return plain(kind === "difference" ? shownDifference(value, unit).value : value);
}

function scheduleDraft(name: string, schedule: Schedule, unit: TemperatureUnit): ScheduleDraft {
  return {
    name,
    kind: schedule.kind,
    days: schedule.days ?? [],
    first: schedule.season?.from ?? "",
    last: schedule.season?.until ?? "",
    values: Object.fromEntries(
      Object.entries(VALUES[schedule.kind]).map(([value, { kind }]) => [
        value,
        written(schedule[value as keyof Schedule], kind, unit),
      ]),
    ),
  };
}

export function rulesDraftOf(settings: Settings, unit: TemperatureUnit): RulesDraft {
  const rules = settings.opening?.rules;
  return {
    texts: Object.fromEntries(
      Object.entries(FIELDS).map(([path, { kind }]) => [path, written(valueAt(settings, path), kind, unit)]),
    ),
    quiet: settings.quiet_hours ?? null,
    rules:
      rules?.map(({ hours, season, min, max }) => ({
        from: hours?.from ?? "",
        until: hours?.until ?? "",
        first: season?.from ?? "",
        last: season?.until ?? "",
        min: written(min, "number", unit),
        max: written(max, "number", unit),
      })) ?? null,
    schedules: Object.entries(settings.schedules ?? {}).map(([name, schedule]) => scheduleDraft(name, schedule, unit)),
  };
}

/** Reads fields, and notes what is wrong with them by path. */
class Reader {
  readonly wrong: Wrong = {};

  constructor(private readonly unit: TemperatureUnit) {}

  value(path: string, text: string, { kind, bounds }: Spec): unknown {
    const word = text.trim();
    if (!word) return undefined;
    if (kind === "word") return word;
    if (kind === "yes") return word === "true";
    if (kind === "names") return word.split(/[\s,]+/).filter(Boolean);
    // Bounds are told in the field's own unit.
    const shown = kind === "minutes" && bounds ? { min: bounds.min / 60, max: bounds.max / 60 } : bounds;
    const found = entered(word, kind === "difference" ? undefined : shown);
    if ("wrong" in found) {
      this.wrong[path] = found.wrong === "range" ? { kind: "range", bounds: shown! } : { kind: "number" };
      return undefined;
    }
    const value = found.value!;
    if (kind === "minutes") return value * 60;
    if (kind === "temperature") return Number(enteredTemperature(value, this.unit).toFixed(6));
    return kind === "difference" ? Number(enteredDifference(value, this.unit).toFixed(6)) : value;
  }

  /** A part of the year; both ends, or neither. */
  season(path: string, first: string, last: string): Season | undefined {
    if (!first && !last) return undefined;
    if (!first || !last) this.wrong[`${path}.season`] = { kind: "both" };
    return { from: first, until: last };
  }

  hours(path: string, from: string, until: string): Hours | undefined {
    if (!from && !until) return undefined;
    if (!isHours({ from, until })) this.wrong[`${path}.hours`] = { kind: "hours" };
    return { from, until };
  }

  rule(path: string, rule: RuleDraft) {
    const percent = { kind: "number", bounds: BOUNDS.opening } as const;
    return defined({
      hours: this.hours(path, rule.from, rule.until),
      season: this.season(path, rule.first, rule.last),
      min: this.value(`${path}.min`, rule.min, percent) as number | undefined,
      max: this.value(`${path}.max`, rule.max, percent) as number | undefined,
    });
  }

  schedule(path: string, draft: ScheduleDraft): Schedule {
    if (draft.kind === "off") return { kind: "off" };
    const values = Object.entries(VALUES[draft.kind]).map(([name, spec]) => [
      name,
      this.value(`${path}.${name}`, draft.values[name] ?? "", spec),
    ]);
    return defined({
      kind: draft.kind,
      ...(Object.fromEntries(values) as Partial<Schedule>),
      days: draft.days.length ? DAYS.filter(day => draft.days.includes(day)) : undefined,
      season: this.season(path, draft.first, draft.last),
    });
  }
}

function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as T;
}

/** A copy with one value set; undefined removes it. */
function withValue(settings: Record<string, unknown>, path: string, value: unknown): Record<string, unknown> {
  const [first = "", ...rest] = path.split(".");
  const inner = rest.length ? withValue((settings[first] ?? {}) as Record<string, unknown>, rest.join("."), value) : value;
  return { ...settings, [first]: inner };
}

/** The settings that the form holds, laid over those that it does not show; or what is wrong with it. */
export function rulesOf(draft: RulesDraft, before: Settings, unit: TemperatureUnit): { settings: Settings } | { wrong: Wrong } {
  const read = new Reader(unit),
    { wrong } = read;
  let settings = before as Record<string, unknown>;
  for (const [path, spec] of Object.entries(FIELDS))
    settings = withValue(settings, path, read.value(path, draft.texts[path] ?? "", spec));
  const { min, max } = (settings["opening"] ?? {}) as { min?: number; max?: number };
  if (min !== undefined && max !== undefined && min > max) wrong["opening.min"] = { kind: "order" };
  draft.quiet?.forEach((hours, at) => {
    if (!isHours(hours)) wrong[`quiet_hours[${at}]`] = { kind: "hours" };
  });
  settings = withValue(settings, "quiet_hours", draft.quiet ?? undefined);
  const rules = draft.rules?.map((rule, at) => read.rule(`opening.rules[${at}]`, rule));
  settings = withValue(settings, "opening.rules", rules);
  const schedules = draft.schedules.map((schedule, at) => {
    const name = schedule.name.trim();
    if (!name) wrong[`schedules[${at}].name`] = { kind: "name" };
    if (draft.schedules.findIndex(other => other.name.trim() === name) !== at) wrong[`schedules[${at}].name`] = { kind: "twice" };
    return [name, read.schedule(`schedules.${name}`, schedule)] as const;
  });
  settings = withValue(settings, "schedules", Object.fromEntries(schedules));
  return Object.keys(wrong).length ? { wrong } : { settings: settings as Settings };
}

/** Schedules by their names: theirs, but for those that were changed, added or removed here. */
export function mendedRules(
  merged: RulesDraft,
  { mine, before, after }: { mine: RulesDraft; before: RulesDraft; after: RulesDraft },
): RulesDraft {
  const of = (draft: RulesDraft, name: string) => draft.schedules.find(schedule => schedule.name === name);
  const isTouched = (name: string) => JSON.stringify(of(mine, name)) !== JSON.stringify(of(before, name));
  const theirs = after.schedules.filter(({ name }) => !isTouched(name)),
    own = mine.schedules.filter(({ name }) => isTouched(name));
  return { ...merged, schedules: [...theirs, ...own] };
}

/** Whether a text is a moment of a day: `HH:MM`, or one by the sun with its offset. */
export function momentOf(text: string): { of: "clock" | "sunrise" | "sunset"; time: string; minutes: number } {
  const sun = /^(sunrise|sunset)(?:([+-])(\d\d):(\d\d))?$/.exec(text);
  if (!sun) return { of: "clock", time: text, minutes: 0 };
  const size = Number(sun[3] ?? 0) * 60 + Number(sun[4] ?? 0);
  return { of: sun[1] as "sunrise" | "sunset", time: "", minutes: sun[2] === "-" ? -size : size };
}

/** The same, back in the API's words. */
export function momentText(of: "clock" | "sunrise" | "sunset", time: string, minutes: number): string {
  if (of === "clock") return time;
  if (!minutes) return of;
  const two = (count: number) => String(count).padStart(2, "0"),
    size = Math.abs(Math.round(minutes));
  return `${of}${minutes < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

export { MOMENTS, SENSORS };
