// Schedules and interlocks in one sentence each.
import type { Settings } from "../api/types";
import { momentOf, type ScheduleDraft, type Sensor } from "../settings/rules";
import { number, percent, quantity, t, timeOfDay } from "../text";

type Interlocks = NonNullable<Settings["interlocks"]>;

const HOLDS: Record<Sensor, number> = { rain: 900, wind: 600, frost: 1_800 };
const UNITS: Record<Sensor, [quantity: string, unit: string]> = {
  rain: ["rain", "mm/h"],
  wind: ["wind", "m/s"],
  frost: ["temperature", "°C"],
};

/** The usual hold of a cause, in minutes. */
export const holdUsual = (sensor: Sensor): string => String(HOLDS[sensor] / 60);

const minutes = (seconds: number) => `${number(seconds / 60, Number.isInteger(seconds / 60) ? 0 : 1)} min`;
const opens = (most: number | null | undefined) => (most ? t().rules.atMost(percent(most)) : t().rules.shut);

export function sensorSummary(sensor: Sensor, set: Interlocks[Sensor]): string {
  const { rules } = t();
  if (set?.on === false) return rules.summaryOff;
  const limit = set?.limit ?? (sensor === "rain" ? 0 : null);
  if (limit === null) return rules.summaryNoLimit;
  const [word, unit] = UNITS[sensor],
    shown = quantity(word, limit, unit, Number.isInteger(limit) && word !== "temperature" ? 0 : 1);
  return rules.summary(
    sensor === "frost" ? rules.belowIs(shown) : rules.aboveIs(shown),
    opens(set?.most),
    minutes(set?.hold_s ?? HOLDS[sensor]),
  );
}

export function alarmSummary(set: Interlocks["alarm"]): string {
  const { rules } = t();
  if (set?.on === false) return rules.summaryOff;
  return rules.summary(set?.alarms?.join(", ") || rules.everyAlarm, opens(set?.most), minutes(set?.hold_s ?? 60));
}

export function locksSummary({ locked, child_lock }: Interlocks): string {
  const { rules } = t();
  if (locked) return rules.isLocked;
  return child_lock != null && child_lock < 100 ? rules.childLock(percent(child_lock)) : rules.notLocked;
}

/** `HH:MM`, or a moment by the sun, in words. */
export function momentWords(text: string): string {
  const { of, time, minutes: offset } = momentOf(text),
    { rules } = t();
  if (of === "clock") return timeOfDay(time);
  const size = `${number(Math.abs(offset))} min`;
  return !offset ? rules.moment[of] : offset < 0 ? rules.before(size, rules.moment[of]) : rules.after(size, rules.moment[of]);
}

export function scheduleSummary({ kind, values }: ScheduleDraft): string {
  const { rules } = t(),
    at = (name: string) => momentWords(values[name] ?? "");
  const hours = values["from"] && values["until"] ? `${at("from")} – ${at("until")}` : "";
  switch (kind) {
    case "off":
      return rules.isOff;
    case "fixed":
      return rules.isFixed(at("at"), `${values["position"] || "?"} %`);
    case "night_cooling":
      return rules.isNight(hours, `${values["position"] || 100} %`);
    case "airing": {
      const asks = [
        values["co2_above"] && `CO₂ > ${values["co2_above"]} ppm`,
        values["humidity_above"] && `${t().quantity["humidity"]} > ${values["humidity_above"]} %`,
      ].filter(Boolean);
      return rules.isAiring(asks.join(", "), `${values["for_s"] || 5} min`, hours);
    }
  }
}
