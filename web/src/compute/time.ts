// Times in words and numbers. Pure: who asks says what time it is.

const MINUTE = 60_000,
  HOUR = 60 * MINUTE,
  DAY = 24 * HOUR;

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
