// Times in words and numbers. Pure: who asks says what time it is.

const MINUTE = 60_000,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR,
  FEW_HOURS = 6;

/** A span in its largest unit: the number and what it counts. */
export interface Span {
  count: number;
  unit: "second" | "minute" | "hour" | "day";
}

/** A span of milliseconds, rounded down to the largest unit that fits. A negative one is none. */
export function span(milliseconds: number): Span {
  const length = Math.max(0, milliseconds);
  if (length >= DAY) return { count: Math.floor(length / DAY), unit: "day" };
  if (length >= HOUR) return { count: Math.floor(length / HOUR), unit: "hour" };
  if (length >= MINUTE) return { count: Math.floor(length / MINUTE), unit: "minute" };
  return { count: Math.floor(length / 1000), unit: "second" };
}

/** A span that is left, rounded to what its unit shows; minutes beside hours while they are few. */
export function remaining(milliseconds: number): Span & { minutes: number } {
  const minutes = Math.round(milliseconds / MINUTE);
  if (minutes < 60) {
    const { count, unit } = milliseconds < MINUTE ? span(milliseconds) : { count: minutes, unit: "minute" as const };
    return { count, unit, minutes: 0 };
  }
  if (minutes < FEW_HOURS * 60) return { count: Math.floor(minutes / 60), unit: "hour", minutes: minutes % 60 };
  const hours = Math.round(milliseconds / HOUR);
  return hours < 48 ? { count: hours, unit: "hour", minutes: 0 } : { count: Math.round(hours / 24), unit: "day", minutes: 0 };
}

/** The next time that a clock of this zone shows `hour`, on the day after `now`'s. */
export function tomorrow(now: Date, hour = 7): Date {
  const day = new Date(now);
  day.setDate(day.getDate() + 1);
  day.setHours(hour, 0, 0, 0);
  return day;
}

/** Whether both lie on one day of this zone. */
export function isSameDay(one: Date, other: Date): boolean {
  return one.getFullYear() === other.getFullYear() && one.getMonth() === other.getMonth() && one.getDate() === other.getDate();
}

/** Whether `one` is newer than `other`; something is newer than nothing. */
export function isNewer(one: { timestamp: string } | null | undefined, other: { timestamp: string } | null | undefined): boolean {
  return !!one && (!other || Date.parse(one.timestamp) > Date.parse(other.timestamp));
}

/** How much older than what its device said last a value may be at least before it is told as old, ms. */
export const BEHIND_MS = 15 * MINUTE;
/** The same in intervals at which its data are expected. */
const BEHIND_INTERVALS = 3;

/** When a device was heard, and how often it is expected to be, s. */
interface Heard {
  last_seen?: string | null;
  health: { interval_s?: number | null };
}

/** Whether a value is of long before its device was heard last: what measures it may have failed while the rest goes on. */
export function isBehind(one: { timestamp: string } | null | undefined, { last_seen, health }: Heard): boolean {
  const most = Math.max(BEHIND_MS, BEHIND_INTERVALS * 1_000 * (health.interval_s ?? 0));
  return !!one && !!last_seen && Date.parse(last_seen) - Date.parse(one.timestamp) > most;
}
