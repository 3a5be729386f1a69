import { describe, expect, it } from "vitest";
import type { Settings } from "../src/api/types";
import { applied, differences, mergePatch, over, valueAt } from "../src/compute/settings";
import type { Levels, Shape } from "../src/settings/useLevel";
import { mendedRules, momentOf, momentText, rulesDraftOf, rulesOf, type RulesDraft } from "../src/settings/rules";

const BEFORE: Settings = {
  quiet_hours: [{ from: "22:00", until: "06:00" }],
  opening: {
    min: 5,
    max: 80,
    rules: [{ hours: { from: "22:00", until: "06:00" }, season: { from: "11-01", until: "03-31" }, max: 20 }, { max: 50 }],
  },
  override_s: 5_400,
  outdoor_sensor: "garden",
  interlocks: {
    rain: { when_silent: "close", hold_s: 1_200 },
    frost: { limit: 0, most: 10 },
    alarm: { alarms: ["smoke", "burglary"] },
    locked: false,
    child_lock: 10,
  },
  schedules: {
    air: { kind: "airing", co2_above: 1_200, for_s: 300, from: "07:00", until: "sunset-00:30", days: ["monday", "friday"] },
    night: { kind: "night_cooling", from: "22:00", until: "06:30", indoor_above: 24, colder_by: 2 },
    evening: { kind: "fixed", at: "sunset", position: 0, season: { from: "05-01", until: "09-30" } },
    old: { kind: "off" },
  },
  calibration: { co2: -20 },
  report_interval_s: 10,
};

const unit = "C" as const;
const changed = (change: (draft: RulesDraft) => RulesDraft, before = BEFORE) => {
  const read = rulesOf(change(rulesDraftOf(before, unit)), before, unit);
  if ("wrong" in read) throw new Error(JSON.stringify(read.wrong));
  return mergePatch(before, read.settings);
};
const text = (path: string, value: string) => (draft: RulesDraft) => ({ ...draft, texts: { ...draft.texts, [path]: value } });
const wrongOf = (change: (draft: RulesDraft) => RulesDraft) => {
  const read = rulesOf(change(rulesDraftOf(BEFORE, unit)), BEFORE, unit);
  return "wrong" in read ? read.wrong : {};
};

describe("the form of schedules, limits and interlocks", () => {
  it.each(["C", "F"] as const)("changes nothing where nobody touches it (°%s)", degrees => {
    const read = rulesOf(rulesDraftOf(BEFORE, degrees), BEFORE, degrees);
    expect("settings" in read && mergePatch(BEFORE, read.settings)).toBeUndefined();
  });
  it("sends what was changed, by the API's names and in its units", () => {
    expect(changed(text("override_s", "30"))).toEqual({ override_s: 1_800 });
    expect(changed(text("interlocks.rain.hold_s", ""))).toEqual({ interlocks: { rain: { hold_s: null } } });
    expect(changed(text("interlocks.rain.on", "false"))).toEqual({ interlocks: { rain: { on: false } } });
    expect(changed(text("interlocks.alarm.alarms", "smoke, gas"))).toEqual({
      interlocks: { alarm: { alarms: ["smoke", "gas"] } },
    });
    expect(changed(draft => ({ ...draft, quiet: null }))).toEqual({ quiet_hours: null });
    expect(changed(draft => ({ ...draft, rules: null }))).toEqual({ opening: { rules: null } });
    expect(changed(draft => ({ ...draft, schedules: draft.schedules.filter(({ name }) => name !== "old") }))).toEqual({
      schedules: { old: null },
    });
  });
  it("takes °F for °C", () => {
    const draft = rulesDraftOf(BEFORE, "F"),
      night = draft.schedules.find(({ name }) => name === "night")!;
    expect([draft.texts["interlocks.frost.limit"], night.values["indoor_above"], night.values["colder_by"]]).toEqual([
      "32",
      "75.2",
      "3.6",
    ]);
    const read = rulesOf(text("interlocks.frost.limit", "23")(draft), BEFORE, "F");
    expect("settings" in read && mergePatch(BEFORE, read.settings)).toEqual({ interlocks: { frost: { limit: -5 } } });
  });
  it("says at which path something is wrong", () => {
    expect(wrongOf(text("opening.max", "101"))).toMatchObject({ "opening.max": { kind: "range" } });
    expect(wrongOf(text("opening.min", "90"))).toEqual({ "opening.min": { kind: "order" } });
    expect(wrongOf(text("interlocks.wind.limit", "strong"))).toEqual({ "interlocks.wind.limit": { kind: "number" } });
    // In the field's own unit: the API says 60 s.
    expect(wrongOf(text("override_s", "0.5"))).toEqual({ override_s: { kind: "range", bounds: { min: 1, max: 43_200 } } });
    expect(wrongOf(draft => ({ ...draft, quiet: [{ from: "22:00", until: "" }] }))).toEqual({
      "quiet_hours[0]": { kind: "hours" },
    });
    expect(
      wrongOf(draft => ({ ...draft, rules: [{ from: "", until: "", first: "05-01", last: "", min: "", max: "20" }] })),
    ).toEqual({
      "opening.rules[0].season": { kind: "both" },
    });
    expect(wrongOf(draft => ({ ...draft, schedules: draft.schedules.map(one => ({ ...one, name: "air" })) }))).toMatchObject({
      "schedules[1].name": { kind: "twice" },
    });
    const first = (name: string, value: string) => (draft: RulesDraft) => ({
      ...draft,
      schedules: draft.schedules.map((one, at) => (at ? one : { ...one, values: { ...one.values, [name]: value } })),
    });
    expect(wrongOf(first("for_s", "x"))).toEqual({ "schedules.air.for_s": { kind: "number" } });
  });
});

describe("a moment of the day", () => {
  it.each(["07:00", "sunset", "sunrise+01:00", "sunset-00:30"])("%s comes back", moment => {
    const { of, time, minutes } = momentOf(moment);
    expect(momentText(of, time, minutes)).toBe(moment);
  });
  it("has its minutes with their sign", () => expect(momentOf("sunset-01:30")).toEqual({ of: "sunset", time: "", minutes: -90 }));
});

describe("levels", () => {
  it("decide from near to far; a schedule is taken as a whole", () => {
    const near = { opening: { max: 30 }, schedules: { air: { kind: "off" } } } as Settings;
    const whole = over(near, BEFORE);
    expect([whole.opening?.min, whole.opening?.max, whole.interlocks?.child_lock]).toEqual([5, 30, 10]);
    expect(whole.schedules?.["air"]).toEqual({ kind: "off" });
    expect(Object.keys(whole.schedules ?? {})).toHaveLength(4);
  });
});

describe("what somebody else has changed", () => {
  it("is told by path", () =>
    expect(
      differences(BEFORE, {
        ...BEFORE,
        opening: { ...BEFORE.opening, max: 60 },
        override_s: undefined,
        latitude: 52.5,
      } as Settings),
    ).toEqual([
      { path: "opening.max", before: 80, after: 60 },
      { path: "override_s", before: 5_400, after: undefined },
      { path: "latitude", before: undefined, after: 52.5 },
    ]));
  it("is nothing where nothing changed", () => expect(differences(BEFORE, structuredClone(BEFORE))).toEqual([]));
  it("lies under a draft, which keeps what was entered", async () => {
    const { rebased } = await import("../src/settings/useLevel");
    const shape: Shape<RulesDraft> = {
      draftOf: settings => rulesDraftOf(settings, unit),
      settingsOf: (draft, before) => rulesOf(draft, before, unit),
    };
    const mine = text("opening.min", "15")(rulesDraftOf(BEFORE, unit)),
      theirs = { ...BEFORE, opening: { ...BEFORE.opening, max: 60 }, override_s: 600 };
    const draft = rebased(shape, mine, BEFORE, theirs);
    expect([draft.texts["opening.min"], draft.texts["opening.max"], draft.texts["override_s"]]).toEqual(["15", "60", "10"]);
    const read = rulesOf(draft, theirs, unit);
    expect("settings" in read && mergePatch(theirs, read.settings)).toEqual({ opening: { min: 15 } });
    // Schedules go by their names: one of theirs is neither lost nor brought back.
    const named = { ...shape, mended: mendedRules },
      drafted = rulesDraftOf(BEFORE, unit);
    const withMine = {
      ...drafted,
      schedules: [
        ...drafted.schedules.filter(({ name }) => name !== "old").map(one => (one.name === "air" ? { ...one, days: [] } : one)),
        { name: "mine", kind: "off" as const, days: [], first: "", last: "", values: {} },
      ],
    };
    const schedules = { ...BEFORE.schedules, theirs: { kind: "fixed", at: "12:00", position: 10 } } as NonNullable<
      Settings["schedules"]
    >;
    delete schedules["night"];
    const both = rebased(named, withMine, BEFORE, { ...BEFORE, schedules });
    expect(both.schedules.map(({ name }) => name).sort()).toEqual(["air", "evening", "mine", "theirs"]);
    expect(both.schedules.find(({ name }) => name === "air")?.days).toEqual([]);
    // What cannot be read yet is kept as well.
    expect(rebased(shape, text("opening.min", "x")(rulesDraftOf(BEFORE, unit)), BEFORE, theirs).texts["opening.min"]).toBe("x");
  });
});

it("a patch applied leads where it was made for", () => {
  const after = { ...BEFORE, opening: { max: 10 }, quiet_hours: undefined } as Settings;
  expect(mergePatch(applied(BEFORE, mergePatch(BEFORE, after)), after)).toBeUndefined();
  expect(valueAt(BEFORE, "interlocks.rain.hold_s")).toBe(1_200);
  expect(valueAt(BEFORE, "interlocks.none.hold_s")).toBeUndefined();
});

it("what holds where nothing is set comes from the nearest level above", async () => {
  const { above } = await import("../src/settings/useLevel");
  const levels: Levels = {
    own: { override_s: 60 },
    group: { override_s: 120 },
    defaults: { override_s: 180, min_move: 3 },
    service: { min_move: 9, tolerance: 1 },
  };
  expect(above(levels)).toMatchObject({ override_s: 120, min_move: 3, tolerance: 1 });
});
