// Settings and their values in words, by the paths that the API has for them.
import type { Hours } from "../api/types";
import { hours, temperatureUnit, t } from "../text";
import { nameOf } from "../view/describe";
import { FIELDS, written } from "./rules";

/** What a setting is called; its path where the page has no name for it. */
export function settingName(path: string): string {
  const { rules, settings } = t();
  const [first = "", second = "", third = ""] = path.split(".");
  if (first === "interlocks") {
    const cause = rules.cause[second] ?? second;
    return third ? `${cause}: ${rules.field[third] ?? third}` : cause;
  }
  if (first === "schedules") return `${rules.schedule} ${second}`;
  if (first === "thresholds" || first === "calibration") return `${settings[first]}: ${nameOf(second)}`;
  return rules.field[path] ?? path;
}

/** A value of a setting, as it is written in its field. */
export function settingValue(path: string, value: unknown): string {
  if (value == null) return t().rules.unset;
  const kind = FIELDS[path]?.kind;
  if (kind === "yes") return value === true ? t().rules.yes : t().rules.no;
  if (kind) return `${written(value, kind, temperatureUnit.value)}${kind === "minutes" ? " min" : ""}`;
  if (path === "quiet_hours") return (value as Hours[]).map(hours).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
