// A form of settings: text in, a merge patch out (RFC 7396). Pure.
import type { Settings } from "../api/types";

/** A number's bounds, as the API states them. */
export interface Bounds {
  min: number;
  max: number;
}

export const BOUNDS = {
  report_interval_s: { min: 1, max: 86_400 },
  clip_interval_s: { min: 1, max: 86_400 },
  clip_length_s: { min: 0.5, max: 60 },
  motor_travel_s: { min: 0.5, max: 600 },
  opening: { min: 0, max: 100 },
  override_s: { min: 60, max: 2_592_000 },
  min_interval_s: { min: 0, max: 86_400 },
  min_move: { min: 0, max: 100 },
  tolerance: { min: 0.1, max: 20 },
  latitude: { min: -90, max: 90 },
  longitude: { min: -180, max: 180 },
  hold_s: { min: 0, max: 86_400 },
  silent_after_s: { min: 10, max: 86_400 },
  for_s: { min: 1, max: 86_400 },
  every_s: { min: 60, max: 604_800 },
} as const satisfies Record<string, Bounds>;

/** What a field of a form holds: a number, nothing, or what is wrong with it. */
export type Entered = { value: number | null } | { wrong: "number" | "range" };

/** Reads a number as people write it, with a point or a comma. Nothing is null. */
export function entered(text: string, bounds?: Bounds): Entered {
  const plain = text.trim().replace(",", ".");
  if (!plain) return { value: null };
  const value = Number(plain);
  if (!Number.isFinite(value)) return { wrong: "number" };
  if (bounds && (value < bounds.min || value > bounds.max)) return { wrong: "range" };
  return { value };
}

type Plain = Record<string, unknown>;

/** What leads from one state to another as a merge patch; undefined where nothing changes. */
export function mergePatch(before: unknown, after: unknown): unknown {
  // An object that is not there and an empty one mean the same.
  if (before == null && isPlain(after)) return mergePatch({}, after);
  if (!isPlain(before) || !isPlain(after)) return same(before, after) ? undefined : (after ?? null);
  const patch: Plain = {};
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const change = mergePatch(before[name] ?? undefined, after[name] ?? undefined);
    if (change !== undefined) patch[name] = change;
  }
  return Object.keys(patch).length ? patch : undefined;
}

/** A value with a merge patch applied (RFC 7396): what it names is replaced, null removes, the rest stays. */
export function applied(value: unknown, patch: unknown): unknown {
  if (!isPlain(patch)) return patch;
  const result: Plain = isPlain(value) ? { ...value } : {};
  for (const [name, change] of Object.entries(patch)) {
    if (change === null) delete result[name];
    else result[name] = applied(result[name], change);
  }
  return result;
}

/** One level's settings over those above it: the nearer one decides. Lists, and a schedule, are taken as a whole. */
export function over(own: Settings, above: Settings): Settings {
  const both = applied(above, dropNull(own)) as Settings;
  return { ...both, schedules: { ...above.schedules, ...own.schedules } };
}

function dropNull(value: unknown): unknown {
  if (!isPlain(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, each]) => each != null)
      .map(([name, each]) => [name, dropNull(each)]),
  );
}

/** A value that differs between two states, by its path as the API writes it; what is not set is undefined. */
export interface Difference {
  path: string;
  before: unknown;
  after: unknown;
}

/** What differs between two states. Lists count as one value. */
export function differences(before: unknown, after: unknown, path = ""): Difference[] {
  if (!isPlain(before ?? {}) || !isPlain(after ?? {}) || (before == null && after == null))
    return same(before, after) ? [] : [{ path, before: before ?? undefined, after: after ?? undefined }];
  const [one, other] = [(before ?? {}) as Plain, (after ?? {}) as Plain];
  return [...new Set([...Object.keys(one), ...Object.keys(other)])].flatMap(name =>
    differences(one[name], other[name], path ? `${path}.${name}` : name),
  );
}

/** The value at a path of names, such as `interlocks.rain.limit`. */
export function valueAt(settings: unknown, path: string): unknown {
  return path.split(".").reduce<unknown>((value, name) => (isPlain(value) ? value[name] : undefined), settings);
}

function isPlain(value: unknown): value is Plain {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function same(one: unknown, other: unknown): boolean {
  return JSON.stringify(one ?? null) === JSON.stringify(other ?? null);
}

/** Whether a span of a day is one: `HH:MM` both, and not the same. */
export function isHours({ from, until }: { from: string; until: string }): boolean {
  const time = /^([01]\d|2[0-3]):[0-5]\d$/;
  return time.test(from) && time.test(until) && from !== until;
}

/** Which level decides a setting: the device's own, its group's, the defaults, or the service's configuration. */
export function decidedBy(
  name: keyof Settings,
  levels: { own: Settings; group: Settings; defaults: Settings },
): "own" | "group" | "defaults" | "service" {
  const has = (settings: Settings) => {
    const value = settings[name];
    return value != null && !(typeof value === "object" && !Array.isArray(value) && Object.keys(value).length === 0);
  };
  if (has(levels.own)) return "own";
  if (has(levels.group)) return "group";
  return has(levels.defaults) ? "defaults" : "service";
}
