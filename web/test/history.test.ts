import { describe, expect, it } from "vitest";
import type { HistoryColumns, HistoryPoint } from "../src/api/types";
import {
  atHand,
  dragged,
  extremes,
  isLike,
  later,
  measured,
  padded,
  pan,
  spark,
  standing,
  zoom,
  type Aligned,
} from "../src/compute/history";

const point = (second: number, mean: number | null, spread = 0): HistoryPoint => ({
  time: new Date(second * 1000).toISOString(),
  mean,
  min: mean === null ? null : mean - spread,
  max: mean === null ? null : mean + spread,
  readings: 1,
});

const columns = (seconds: number[], mean: (number | null)[], before: number | null = null): HistoryColumns => ({
  quantity: "temperature",
  unit: "",
  before,
  time_ms: seconds.map(second => second * 1000),
  mean,
  min: mean.map(value => value && value - 1),
  max: mean.map(value => value && value + 1),
});

describe("what was measured", () => {
  it("keeps mean, least and most in the order of time", () => {
    const { times, mean, min, max } = measured(columns([60, 120], [20, 21]), 60);
    expect([times, mean, min, max]).toEqual([
      [60, 120],
      [20, 21],
      [19, 20],
      [21, 22],
    ]);
  });
  it("has a hole where nothing was measured", () => {
    const { times, mean } = measured(columns([0, 60, 120, 900], [1, 2, 3, 4]), 60);
    expect(times).toEqual([0, 60, 120, 180, 900]);
    expect(mean).toEqual([1, 2, 3, null, 4]);
  });
  it("has no holes for a device that reports more rarely than the intervals are long", () => {
    expect(measured(columns([0, 600, 1200, 1800], [1, 2, 3, 4]), 60).mean).toEqual([1, 2, 3, 4]);
  });
  it("passes over numbers that are none", () => {
    expect(measured(columns([0, 60], [null, 2]), 60).mean).toEqual([null, 2]);
  });
  it("has its extremes within a range", () => {
    const aligned = measured(columns([0, 60, 120], [1, 2, 9]), 60);
    expect(extremes(aligned, { from: 0, to: 100 })).toEqual({ least: 0, most: 3 });
    expect(extremes(aligned, { from: 200, to: 300 })).toBeNull();
    expect(extremes(aligned, { from: 100, to: 110 }, true), "what stood before stands").toEqual({ least: 1, most: 3 });
  });
});

describe("a position", () => {
  const of = ({ times, mean }: Aligned) => times.map((time, at) => [time, mean[at]]);
  it("stands until the next one, the one of before until the first, and the last until now", () => {
    expect(of(standing(columns([100, 5_000], [40, 0], 70), 50, 9_000))).toEqual([
      [50, 70],
      [100, 40],
      [5_000, 0],
      [9_000, 0],
    ]);
  });
  it("is known where nothing moved", () => {
    expect(of(standing(columns([], [], 70), 50, 90))).toEqual([
      [50, 70],
      [90, 70],
    ]);
    expect(of(standing(columns([], []), 50, 90))).toEqual([]);
  });
});

describe("what is at hand", () => {
  const known = [
    { from: 0, to: 1_000 },
    { from: 400, to: 800 },
    { from: 990, to: 1_400 },
  ];
  it("is the finest that covers a range", () => {
    expect(atHand(known, { from: 500, to: 700 })).toBe(known[1]);
    expect(atHand(known, { from: 100, to: 700 })).toBe(known[0]);
  });
  it("is the newest of those that are nearly the same", () => {
    const newest = { from: 402, to: 802.001 };
    expect(atHand([...known, newest], { from: 500, to: 700 })).toBe(newest);
    expect([isLike(known[1]!, newest), isLike(known[0]!, newest), isLike(known[1]!, { from: 600, to: 1_000 })]).toEqual([
      true,
      false,
      false,
    ]);
  });
  it("is what has most of it, where nothing covers it", () => {
    expect(atHand(known, { from: 900, to: 1_300 })).toBe(known[2]);
    expect(atHand(known, { from: 2_000, to: 3_000 })).toBeUndefined();
  });
});

describe("ranges", () => {
  const now = 10_000;
  it("never go beyond now", () => {
    expect(pan({ from: 8_000, to: 9_900 }, 0.5, now)).toEqual({ from: 8_100, to: 10_000 });
    expect(pan({ from: 1_000, to: 2_000 }, Infinity, now)).toEqual({ from: 9_000, to: 10_000 });
    expect(zoom({ from: 9_000, to: 10_000 }, 2, now, 0.5)).toEqual({ from: 8_000, to: 10_000 });
  });
  it("go back as far as wished", () => expect(pan({ from: 8_000, to: 9_000 }, -0.2, now)).toEqual({ from: 7_800, to: 8_800 }));
  it("reach now where little is left to it", () => {
    expect(later({ from: 8_000, to: 9_000 }, 0.5, now)).toEqual({ from: 8_500, to: 9_500 });
    expect(later({ from: 8_460, to: 9_460 }, 0.5, now)).toEqual({ from: 9_000, to: 10_000 });
    expect(later({ from: 9_000, to: 10_000 }, 0.5, now)).toEqual({ from: 9_000, to: 10_000 });
  });
  it("keep a point where it is while they grow and shrink", () => {
    expect(zoom({ from: 0, to: 1_000 }, 0.5, now, 0.5)).toEqual({ from: 250, to: 750 });
    expect(zoom({ from: 0, to: 1_000 }, 0.5, now, 1)).toEqual({ from: 500, to: 1_000 });
  });
  it("last a minute at least and a year at most", () => {
    const short = zoom({ from: 0, to: 100 }, 0.01, now);
    expect(short.to - short.from).toBe(60);
    const long = zoom({ from: 0, to: 30_000_000 }, 100, 4e9);
    expect(long.to - long.from).toBe(366 * 86_400);
  });
});

it("more than a range is asked for, but neither the future nor more than a year", () => {
  expect(padded({ from: 1_000, to: 2_000 }, 10_000)).toEqual({ from: 750, to: 2_250 });
  expect(padded({ from: 1_000, to: 2_000 }, 2_010)).toEqual({ from: 750, to: 2_010 });
  expect(padded({ from: 0, to: 31_000_000 }, 1e9)).toEqual({ from: 0, to: 31_000_000 });
});

describe("a sparkline", () => {
  it("needs two points", () => expect(spark([point(0, 1), point(5, null)], 0, 10)).toBeNull());
  it("fills its box from the lowest to the highest", () => {
    const drawn = spark([point(0, 10), point(10, 20)], 0, 10)!;
    expect(drawn.line).toBe("M0.0 92.0L100.0 8.0");
    expect([drawn.low, drawn.high]).toEqual([10, 20]);
  });
  it("does not blow noise up", () => {
    const ys = [...spark([point(0, 21), point(10, 21.01)], 0, 10)!.line.matchAll(/[ML][\d.]+ ([\d.]+)/g)].map(([, y]) =>
      Number(y),
    );
    expect(Math.abs(ys[0]! - ys[1]!)).toBeLessThan(3);
  });
});

describe("fingers on the charts", () => {
  const range = { from: 1_000, to: 2_000 };
  it("move them in time, what was under a finger staying under it", () =>
    expect(dragged(range, [0.2], [0.7], 2_000)).toEqual({ from: 500, to: 1_500 }));
  it("never move them beyond now", () => expect(dragged(range, [0.7], [0.2], 2_100)).toEqual({ from: 1_100, to: 2_100 }));
  it("zoom, both staying where they point", () => {
    const { from, to } = dragged(range, [0.4, 0.6], [0.2, 0.7], 9_000);
    expect([from + 0.2 * (to - from), from + 0.7 * (to - from)].map(Math.round)).toEqual([1_400, 1_600]);
    expect(Math.round(to - from)).toBe(400);
  });
  it("zoom no further than a minute", () => {
    const { from, to } = dragged(range, [0.4, 0.43], [0, 1], 9_000);
    expect(to - from).toBe(60);
  });
  it("do not stretch them without end where they meet", () => {
    const { from, to } = dragged(range, [0.4, 0.6], [0.5, 0.5], 9_000);
    expect(to - from).toBe(1_000);
  });
});
