// Histories as rows of a table: of each stretch of time what was measured in it. Pure.
import type { Aligned, Range } from "./history";

const MINUTE_S = 60,
  HOUR_S = 3_600,
  DAY_S = 86_400;
/** How long a row may be, s. */
const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map(minutes => minutes * MINUTE_S),
  ...[1, 2, 3, 6, 12].map(hours => hours * HOUR_S),
  ...[1, 2, 7, 14, 28].map(days => days * DAY_S),
];
const MOST_ROWS = 32;

/** A series; what `stands` is as it was until it changes. */
export interface Column {
  aligned: Aligned;
  stands: boolean;
}

/** What a series was within a row. Of what stands, `mean` is what it was at the row's end. */
export interface Cell {
  mean: number;
  least: number;
  most: number;
}

export interface Row {
  /** Its beginning, s. */
  time: number;
  cells: (Cell | null)[];
}

/**
 * The rows of a range, the newest first, of steps that people count in: whole hours or days of a zone that is `offset_s` ahead of
 * UTC. A row without any value is left out.
 */
export function rowsOf(columns: readonly Column[], { from, to }: Range, now: number, offset_s: number): Row[] {
  const step = STEPS.find(step => (to - from) / step <= MOST_ROWS) ?? STEPS.at(-1)!,
    first = Math.floor((from + offset_s) / step) * step - offset_s;
  const rows: Row[] = [];
  for (let time = first; time < Math.min(to, now); time += step) {
    const within = { from: Math.max(time, from), to: Math.min(time + step, to) };
    rows.push({ time: within.from, cells: columns.map(column => cellOf(column, within)) });
  }
  return rows.filter(({ cells }) => cells.some(cell => cell)).reverse();
}

function cellOf({ aligned: { times, mean, min, max }, stands }: Column, { from, to }: Range): Cell | null {
  let sum = 0,
    count = 0,
    last: number | null = null,
    least = Infinity,
    most = -Infinity;
  const begin = times.findIndex(time => time >= from),
    before = begin < 0 ? times.length - 1 : begin - 1;
  const add = (at: number) => {
    const value = mean[at];
    if (value == null) return;
    [sum, count, last] = [sum + value, count + 1, value];
    least = Math.min(least, min[at] ?? value);
    most = Math.max(most, max[at] ?? value);
  };
  if (stands && before >= 0) add(before);
  for (let at = begin; at >= 0 && at < times.length && times[at]! < to; at++) add(at);
  if (!count || last === null) return null;
  return { mean: stands ? last : sum / count, least, most };
}
