import { describe, expect, it } from "vitest";
import type { Aligned } from "../src/compute/history";
import { rowsOf } from "../src/compute/rows";

const aligned = (points: [number, number | null][]): Aligned => {
  const mean = points.map(([, value]) => value);
  return {
    times: points.map(([time]) => time),
    mean,
    min: mean.map(value => value && value - 1),
    max: mean.map(value => value && value + 1),
  };
};
const HOUR = 3_600,
  DAY = 24 * HOUR;

describe("a history as a table", () => {
  it("has a mean with the least and the most of each hour of a day, the newest first", () => {
    const air = aligned([
      [0, 20],
      [1_800, 22],
      [HOUR, 30],
    ]);
    const rows = rowsOf([{ aligned: air, stands: false }], { from: 0, to: DAY }, DAY, 0);
    expect(rows).toEqual([
      { time: HOUR, cells: [{ mean: 30, least: 29, most: 31 }] },
      { time: 0, cells: [{ mean: 21, least: 19, most: 23 }] },
    ]);
  });
  it("has where a window stood at each row's end, and where it was meanwhile", () => {
    const window = {
      ...aligned([
        [0, 10],
        [HOUR + 60, 80],
      ]),
      min: [10, 80],
      max: [10, 80],
    };
    const rows = rowsOf([{ aligned: window, stands: true }], { from: 0, to: DAY }, 3 * HOUR, 0);
    expect(rows.map(({ cells: [cell] }) => cell)).toEqual([
      { mean: 80, least: 80, most: 80 },
      { mean: 80, least: 10, most: 80 },
      { mean: 10, least: 10, most: 10 },
    ]);
  });
  it.each([
    ["an hour", HOUR],
    ["a week", 7 * DAY],
    ["a year", 366 * DAY],
  ])("has few rows over %s", (_, length) => {
    const steady = aligned([[0, 50]]),
      rows = rowsOf([{ aligned: steady, stands: true }], { from: 0, to: length }, length, 0);
    expect(rows.length).toBeGreaterThan(8);
    expect(rows.length).toBeLessThanOrEqual(33);
  });
  it("has rows of whole days of the viewer's zone, and none of a time to come", () => {
    const steady = aligned([[0, 50]]),
      range = { from: 0, to: 30 * DAY },
      times = rowsOf([{ aligned: steady, stands: true }], range, 3 * DAY, 2 * HOUR).map(({ time }) => time);
    expect(times).toEqual([3 * DAY - 2 * HOUR, 2 * DAY - 2 * HOUR, DAY - 2 * HOUR, 0]);
  });
  it("leaves out rows and cells without a value", () => {
    const [some, none] = [aligned([[HOUR, 5]]), aligned([[HOUR, null]])];
    const columns = [some, none].map(aligned => ({ aligned, stands: false }));
    expect(rowsOf(columns, { from: 0, to: DAY }, DAY, 0)).toEqual([
      { time: HOUR, cells: [{ mean: 5, least: 4, most: 6 }, null] },
    ]);
  });
});
