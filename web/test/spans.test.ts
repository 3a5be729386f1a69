import { describe, expect, it } from "vitest";
import { around, marksOf, ongoing, spansOf, type Happened } from "../src/compute/spans";

const at = (second: number, event: string, detail = ""): Happened => ({
  timestamp: new Date(second * 1000).toISOString(),
  event,
  detail,
});
const RANGE = { from: 1_000, to: 2_000 };
const told = (events: Happened[], now: Parameters<typeof spansOf>[2] = {}) =>
  spansOf(events, RANGE, now).map(({ kind, from, to }) => [kind, from, to]);

describe("stretches", () => {
  it("last from their beginning to their end, in whatever order events come", () => {
    const events = [at(1_500, "override_ended"), at(1_200, "override_begun"), at(1_600, "offline"), at(1_700, "online")];
    expect(told(events)).toEqual([
      ["hand", 1_200, 1_500],
      ["away", 1_600, 1_700],
    ]);
  });
  it("began before the range where they only end in it", () => {
    const events = [at(1_300, "override_ended"), at(1_900, "interlock_over"), at(1_950, "interlock_over")];
    expect(told(events)).toEqual([
      ["hand", 1_000, 1_300],
      ["rule", 1_000, 1_900],
    ]);
  });
  it("do not begin before a device was heard of", () => {
    expect(told([at(1_300, "online")])).toEqual([]);
  });
  it("last to the end of the range where they still go on, or where nobody knows", () => {
    expect(told([at(1_400, "moved_by_hand")], { hand: 1_400 })).toEqual([["hand", 1_400, 2_000]]);
    expect(told([at(1_400, "interlock")], null)).toEqual([["rule", 1_400, 2_000]]);
    expect(told([at(1_400, "interlock")], {})).toEqual([]);
  });
  it("are known before their event is stored, and where they began long ago", () => {
    expect(told([], { hand: 1_990, away: 10 })).toEqual([
      ["hand", 1_990, 2_000],
      ["away", 1_000, 2_000],
    ]);
  });
  it("of several rules last from the first to the last", () => {
    const events = [at(1_100, "interlock"), at(1_200, "interlock"), at(1_300, "interlock_over"), at(1_400, "interlock_over")];
    expect(told(events)).toEqual([["rule", 1_100, 1_400]]);
  });
  it("of two wishes are two", () => {
    const events = [at(1_100, "override_begun", "40 %"), at(1_200, "moved_by_hand", "10 %"), at(1_300, "override_ended")];
    expect(spansOf(events, RANGE, {}).map(({ from, to, detail }) => [from, to, detail])).toEqual([
      [1_100, 1_200, "40 %"],
      [1_200, 1_300, "10 %"],
    ]);
  });
});

describe("marks", () => {
  it("tell trouble from what is well", () => {
    const marks = marksOf([at(1_100, "window_stuck", "motor"), at(1_200, "online")]);
    expect(marks.map(({ time, bad }) => [time, bad])).toEqual([
      [1_100, true],
      [1_200, false],
    ]);
    const near = around(1_104, 5, spansOf([at(1_050, "offline"), at(1_150, "online")], RANGE, {}), marks);
    expect(near.marks.map(({ event }) => event)).toEqual(["window_stuck"]);
    expect(near.spans.map(({ kind }) => kind)).toEqual(["away"]);
  });
});

it("what goes on now is read from a device", () => {
  const health = { state: "offline", since: "1970-01-01T00:10:00Z", problems: [] } as never;
  const control = {
    override: { since: "1970-01-01T00:05:00Z" },
    interlocks: [{}],
    command: { origin: "interlock", at: "1970-01-01T00:06:00Z" },
  } as never;
  expect(ongoing({ control, health })).toEqual({ hand: 300, rule: 360, away: 600 });
  expect(ongoing({ control: null, health: { state: "online" } as never })).toEqual({});
});
