// Histories on one time axis, and what charts need of them. Pure.
import type { HistoryColumns, HistoryPoint } from "../api/types";

export type Column = (number | null)[];

/** Times in seconds, and of each series mean, least and most there; null where it has none. */
export interface Aligned {
  times: number[];
  mean: Column;
  min: Column;
  max: Column;
}

/** A gap of more intervals than this is a hole, so that nobody sees a line where nothing was measured. */
const HOLE = 3.5;

/** What was measured, with holes. */
export function measured({ time_ms, mean, min, max }: HistoryColumns, interval_s: number): Aligned {
  const aligned: Aligned = { times: [], mean: [], min: [], max: [] };
  const longest = usualStep(time_ms, interval_s) * HOLE;
  time_ms.forEach((milliseconds, at) => {
    const time = milliseconds / 1000,
      before = at ? time_ms[at - 1]! / 1000 : time;
    if (time - before > longest) push(aligned, before + interval_s, null, null, null);
    push(aligned, time, mean[at] ?? null, min[at] ?? null, max[at] ?? null);
  });
  return aligned;
}

/** Positions: each stands until the next one, the one of before until the first, the last until `until`. */
export function standing({ time_ms, mean, min, max, before }: HistoryColumns, from: number, until: number): Aligned {
  const aligned: Aligned = { times: [], mean: [], min: [], max: [] };
  const first = (time_ms[0] ?? Infinity) / 1000;
  if (before != null && from < Math.min(first, until)) push(aligned, from, before, before, before);
  time_ms.forEach((time, at) => push(aligned, time / 1000, mean[at] ?? null, min[at] ?? null, max[at] ?? null));
  const last = aligned.mean.at(-1);
  if (last != null && aligned.times.at(-1)! < until) push(aligned, until, last, last, last);
  return aligned;
}

/** How far points usually lie apart, s: a device that reports less often than an interval has no holes for that. */
function usualStep(time_ms: readonly number[], interval_s: number): number {
  if (time_ms.length < 3) return Infinity;
  const steps = time_ms.slice(1).map((time, at) => (time - time_ms[at]!) / 1000);
  steps.sort((one, other) => one - other);
  return Math.max(interval_s, steps[Math.floor(steps.length / 2)]!);
}

function push(aligned: Aligned, time: number, mean: number | null, min: number | null, max: number | null): void {
  aligned.times.push(time);
  aligned.mean.push(mean);
  aligned.min.push(min ?? mean);
  aligned.max.push(max ?? mean);
}

/** The least and the most within a range; of what `stands` until the next value, with the one before it. Null where there is nothing. */
export function extremes(
  { times, min, max }: Aligned,
  { from, to }: Range,
  stands = false,
): { least: number; most: number } | null {
  const first = stands ? times.findLastIndex(time => time < from) : -1;
  let least = Infinity,
    most = -Infinity;
  times.forEach((time, at) => {
    if (at !== first && (time < from || time > to)) return;
    least = Math.min(least, min[at] ?? Infinity);
    most = Math.max(most, max[at] ?? -Infinity);
  });
  return least <= most ? { least, most } : null;
}

/** A window of time, in seconds. */
export interface Range {
  from: number;
  to: number;
}

const YEAR_S = 366 * 86_400,
  /** Longer ranges are not asked for with more at their ends. */
  LONG_S = 100 * 86_400,
  LEAST_S = 60;

/** The range moved by a share of its length, never beyond `now`. */
export function pan({ from, to }: Range, share: number, now: number): Range {
  const length = to - from,
    by = Math.min(share * length, Math.max(0, now - to));
  return { from: from + by, to: to + by };
}

/** What is left to now that moving on takes along, as a share of the range: nobody sees it, and it would keep the range from now. */
const REST = 0.05;

/** The range moved on by a share of its length: to now where little is left to it. */
export function later(range: Range, share: number, now: number): Range {
  const moved = pan(range, share, now);
  return now - moved.to <= REST * (range.to - range.from) ? pan(range, Infinity, now) : moved;
}

/** The range made `factor` as long around a point (0 its beginning, 1 its end), between a minute and a year, never beyond `now`. */
export function zoom({ from, to }: Range, factor: number, now: number, around = 1): Range {
  const length = Math.min(YEAR_S, Math.max(LEAST_S, (to - from) * factor));
  const fixed = from + (to - from) * around;
  const begin = fixed - length * around;
  const over = Math.max(0, begin + length - now);
  return { from: begin - over, to: begin + length - over };
}

/**
 * The range after fingers went from shares of its length to others, never beyond `now`: one moves it, two stretch it as well, and what
 * was under a finger stays under it.
 */
export function dragged(range: Range, before: readonly number[], after: readonly number[], now: number): Range {
  const length = range.to - range.from,
    [was = 0, otherWas = was] = before,
    [is = was, otherIs = is] = after;
  const isPinch = Math.abs(otherWas - was) > 0.02 && Math.abs(otherIs - is) > 0.02;
  const made = isPinch ? zoom(range, Math.abs((otherWas - was) / (otherIs - is)), Infinity, 0) : range;
  const middle = range.from + length * ((was + otherWas) / 2),
    begin = middle - (made.to - made.from) * ((is + otherIs) / 2),
    to = Math.min(now, begin + made.to - made.from);
  return { from: to - (made.to - made.from), to };
}

/** The range with a quarter of its length at each end, so that moving it shows something at once; never beyond `now`. */
export function padded({ from, to }: Range, now: number): Range {
  const length = to - from;
  if (length > LONG_S) return { from, to };
  return { from: from - length / 4, to: Math.max(to, Math.min(now, to + length / 4)) };
}

/** What is at hand of a range until its own answer comes: the finest that covers it, or else what has most of it. */
export function atHand<T extends Range>(known: readonly T[], { from, to }: Range): T | undefined {
  const slack = (to - from) * 0.02;
  const shared = (one: Range) => Math.max(0, Math.min(one.to, to) - Math.max(one.from, from));
  const covering = known.filter(one => one.from <= from + slack && one.to >= to - slack);
  const finest = Math.min(...covering.map(one => one.to - one.from));
  if (covering.length) return covering.findLast(one => one.to - one.from <= finest * 1.01);
  return known.filter(shared).sort((one, other) => shared(other) - shared(one))[0];
}

/** Whether two ranges are nearly the same, so that the answer for one takes the place of the other's. */
export function isLike(one: Range, other: Range): boolean {
  const length = one.to - one.from;
  return Math.abs(other.to - other.from - length) < length * 0.01 && Math.abs(other.from - one.from) < length * 0.1;
}

/** A sparkline: the mean as a line, least and most as a band, in a box of 100 × 100. Null where there is too little. */
export function spark(
  points: readonly HistoryPoint[],
  from: number,
  to: number,
): { line: string; band: string; low: number; high: number } | null {
  const known = points.filter(point => point.mean != null);
  if (known.length < 2) return null;
  const low = Math.min(...known.map(point => point.min ?? point.mean!)),
    high = Math.max(...known.map(point => point.max ?? point.mean!));
  // A flat day is a line in the middle: noise is not blown up.
  const height = Math.max(high - low, 1e-9),
    middle = (high + low) / 2,
    scale = Math.max(height, Math.abs(middle) * 0.01, 0.5);
  const x = (point: HistoryPoint) => ((100 * (Date.parse(point.time) / 1000 - from)) / (to - from)).toFixed(1);
  const y = (value: number) => (50 - (84 * (value - middle)) / scale).toFixed(1);
  const line = known.map((point, at) => `${at ? "L" : "M"}${x(point)} ${y(point.mean!)}`).join("");
  const upper = known.map((point, at) => `${at ? "L" : "M"}${x(point)} ${y(point.max ?? point.mean!)}`).join("");
  const lower = [...known]
    .reverse()
    .map(point => `L${x(point)} ${y(point.min ?? point.mean!)}`)
    .join("");
  return { line, band: `${upper}${lower}Z`, low, high };
}
