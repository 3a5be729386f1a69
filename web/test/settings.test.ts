import { describe, expect, it } from "vitest";
import type { QuantityView, Settings } from "../src/api/types";
import { decidedBy, entered, isHours, mergePatch } from "../src/compute/settings";
import { draftOf, settingsOf } from "../src/settings/draft";

describe("what is entered", () => {
  it.each([
    ["21.5", { value: 21.5 }],
    [" 21,5 ", { value: 21.5 }],
    ["", { value: null }],
    ["abc", { wrong: "number" }],
    ["1e999", { wrong: "number" }],
    ["101", { wrong: "range" }],
    ["-1", { wrong: "range" }],
  ])("%j", (text, expected) => expect(entered(text, { min: 0, max: 100 })).toEqual(expected));
});

describe("a merge patch", () => {
  it("names what changes, and removes by null", () =>
    expect(mergePatch({ a: 1, b: 2, c: { d: 3, e: 4 } }, { a: 1, b: 5, c: { d: 3 } })).toEqual({ b: 5, c: { e: null } }));
  it("is nothing where nothing changes", () => expect(mergePatch({ a: [1], b: null }, { a: [1] })).toBeUndefined());
  it("replaces lists as a whole", () => expect(mergePatch({ a: [1, 2] }, { a: [2] })).toEqual({ a: [2] }));
});

describe("hours", () => {
  it("are two different times", () =>
    expect([
      isHours({ from: "22:00", until: "06:30" }),
      isHours({ from: "24:00", until: "06:30" }),
      isHours({ from: "06:30", until: "06:30" }),
      isHours({ from: "", until: "06:30" }),
    ]).toEqual([true, false, false, false]));
});

it("the nearest level decides", () => {
  const levels = {
    own: { opening: {} },
    group: { motor_travel_s: 20 },
    defaults: { motor_travel_s: 30, report_interval_s: 10 },
  } as { own: Settings; group: Settings; defaults: Settings };
  expect([decidedBy("motor_travel_s", levels), decidedBy("report_interval_s", levels), decidedBy("opening", levels)]).toEqual([
    "group",
    "defaults",
    "service",
  ]);
});

describe("a form", () => {
  const quantities = [{ quantity: "temperature", name: "Temperature", unit: "°C", decimals: 1, climate: true }] as QuantityView[];
  const before: Settings = {
    thresholds: { temperature: 0.5 },
    quiet_hours: [{ from: "22:00", until: "06:00" }],
    opening: { min: 5, max: 80, rules: [{ max: 10 }] },
    timestamps: "optional",
  };
  it.each(["C", "F"] as const)("that nobody touches changes nothing (°%s)", unit => {
    const read = settingsOf(draftOf(before, unit), before, quantities, unit);
    expect("settings" in read && mergePatch(before, read.settings)).toBeUndefined();
  });
  it("takes a difference in °F as one in °C", () => {
    const read = settingsOf({ ...draftOf(before, "F"), thresholds: { temperature: "1.8" } }, before, quantities, "F");
    expect("settings" in read && mergePatch(before, read.settings)).toEqual({ thresholds: { temperature: 1 } });
  });
  it("says what is wrong, by field", () => {
    const draft = {
      ...draftOf(before, "C"),
      least: "90",
      zone: "",
      numbers: { report_interval_s: "0", clip_interval_s: "x", clip_length_s: "", motor_travel_s: "" },
    };
    const read = settingsOf(draft, before, quantities, "C");
    expect("wrong" in read && read.wrong).toEqual({
      "opening.min": { kind: "order" },
      report_interval_s: { kind: "range", bounds: { min: 1, max: 86_400 } },
      clip_interval_s: { kind: "number" },
    });
  });
  it("clears what is emptied", () => {
    const read = settingsOf({ ...draftOf(before, "C"), quiet: null, most: "" }, before, quantities, "C");
    expect("settings" in read && mergePatch(before, read.settings)).toEqual({ quiet_hours: null, opening: { max: null } });
  });
});
