// A form's state: every setting as text, and back.
import type { Hours, Quantity, QuantityView, Settings } from "../api/types";
import { BOUNDS, entered, isHours, type Bounds } from "../compute/settings";
import { enteredDifference, shownDifference, type TemperatureUnit } from "../compute/units";

export const NUMBERS = ["report_interval_s", "clip_interval_s", "clip_length_s", "motor_travel_s"] as const;
export type NumberName = (typeof NUMBERS)[number];

/** A form's content. Empty text: not set at this level. */
export interface Draft {
  numbers: Record<NumberName, string>;
  least: string;
  most: string;
  zone: string;
  quiet: Hours[] | null;
  turned: boolean | null;
  alwaysTrigger: boolean | null;
  thresholds: Partial<Record<Quantity, string>>;
  calibration: Partial<Record<Quantity, string>>;
}

/** What is wrong, by the path that the API has for it. */
export type Wrong = Partial<
  Record<string, { kind: "number" | "order" | "hours" | "both" | "name" | "twice" } | { kind: "range"; bounds: Bounds }>
>;

const text = (value: number | null | undefined) => (value == null ? "" : String(Number(value.toPrecision(9))));

type Changes = Settings["thresholds"];

function texts(values: Changes, unit: TemperatureUnit): Partial<Record<Quantity, string>> {
  const shown = (name: string, value: number) => (name === "temperature" ? shownDifference(value, unit).value : value);
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [name, text(shown(name, value as number))]));
}

export function draftOf(settings: Settings, unit: TemperatureUnit): Draft {
  return {
    numbers: Object.fromEntries(NUMBERS.map(name => [name, text(settings[name])])) as Record<NumberName, string>,
    least: text(settings.opening?.min),
    most: text(settings.opening?.max),
    zone: settings.time_zone ?? "",
    quiet: settings.quiet_hours ?? null,
    turned: settings.zero_is_open ?? null,
    alwaysTrigger: settings.audio_always_trigger ?? null,
    thresholds: texts(settings.thresholds, unit),
    calibration: texts(settings.calibration, unit),
  };
}

/** The settings that a form holds, laid over those that it does not show; or what is wrong with it. */
export function settingsOf(
  draft: Draft,
  before: Settings,
  quantities: readonly QuantityView[],
  unit: TemperatureUnit,
): { settings: Settings } | { wrong: Wrong } {
  const wrong: Wrong = {};
  const read = (field: string, value: string, bounds?: Bounds): number | undefined => {
    const found = entered(value, bounds);
    if ("wrong" in found) wrong[field] = found.wrong === "range" ? { kind: "range", bounds: bounds! } : { kind: "number" };
    return "value" in found ? (found.value ?? undefined) : undefined;
  };
  const numbers = Object.fromEntries(NUMBERS.map(name => [name, read(name, draft.numbers[name], BOUNDS[name])]));
  const min = read("opening.min", draft.least, BOUNDS.opening),
    max = read("opening.max", draft.most, BOUNDS.opening);
  if (min !== undefined && max !== undefined && min > max) wrong["opening.min"] = { kind: "order" };
  if (draft.quiet?.some(hours => !isHours(hours))) wrong["quiet_hours"] = { kind: "hours" };
  const changes = (kind: "thresholds" | "calibration"): Changes =>
    Object.fromEntries(
      quantities.flatMap(({ quantity }) => {
        const value = read(`${kind}.${quantity}`, draft[kind][quantity] ?? "");
        if (value === undefined) return [];
        return [[quantity, quantity === "temperature" ? Number(enteredDifference(value, unit).toFixed(6)) : value]];
      }),
    );
  const settings: Settings = {
    ...before,
    ...numbers,
    opening: { ...before.opening, min, max },
    time_zone: draft.zone.trim() || undefined,
    quiet_hours: draft.quiet ?? undefined,
    zero_is_open: draft.turned ?? undefined,
    audio_always_trigger: draft.alwaysTrigger ?? undefined,
    thresholds: changes("thresholds"),
    calibration: changes("calibration"),
  };
  return Object.keys(wrong).length ? { wrong } : { settings };
}
