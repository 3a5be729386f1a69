import { describe, expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { byPlace, glimpse, severity, troubles } from "../src/compute/troubles";

function device(device_id: string, change: Partial<DeviceView> = {}): DeviceView {
  return {
    device_id,
    name: device_id,
    location: "",
    retired: false,
    is_active: true,
    readings: {},
    health: { state: "online", reason: "", problems: [], messages_per_minute: 6, duplicates: 0 },
    settings: { state: "none", version: 0 },
    ...change,
  } as DeviceView;
}

const health = (state: "offline" | "stale" | "online", problems: { kind: "stuck"; detail: string; since: string }[] = []) =>
  ({ health: { state, reason: "silent for 3 min", problems, messages_per_minute: 0, duplicates: 0 } }) as Partial<DeviceView>;

describe("a glimpse of a room", () => {
  const reading = (value: number) => ({ readings: { temperature: { value, timestamp: "2026-05-01T12:00:00Z" } } });
  it("stays as long as its place and its trouble do", () =>
    expect(glimpse(device("a", reading(21)))).toBe(glimpse(device("a", reading(22)))));
  it.each<[string, Partial<DeviceView>]>([
    ["its name", { name: "Attic" }],
    ["its place", { location: "Upstairs" }],
    ["its retirement", { retired: true }],
    ["what is wrong", health("offline")],
  ])("changes with %s", (_, change) => expect(glimpse(device("a", change))).not.toBe(glimpse(device("a"))));
});

describe("troubles", () => {
  it("are none in a room that is well", () => expect(troubles(device("a"))).toEqual([]));
  it("begin with the worst", () => {
    const found = troubles(
      device("a", {
        ...health("offline", [{ kind: "stuck", detail: "temperature stays", since: "" }]),
        telemetry: { battery_percent: 5, timestamp: "" },
      }),
    );
    expect(found.map(({ kind }) => kind)).toEqual(["offline", "problem", "battery"]);
    expect(found[0]!.text).toBe("silent for 3 min");
  });
  it("include a suspect reading only until a newer one is well", () => {
    const suspect = {
      quantity: "temperature" as const,
      value: 85,
      timestamp: "2026-05-01T12:00:00Z",
      reason: "85 °C is what a sensor says without power",
    };
    expect(troubles(device("a", { suspect })).map(({ kind }) => kind)).toEqual(["suspect"]);
    expect(
      troubles(device("a", { suspect, readings: { temperature: { value: 21, timestamp: "2026-05-01T12:00:10Z" } } })),
    ).toEqual([]);
  });
  it("include a window that is stuck, and bad air only while it is news", () => {
    expect(
      severity(device("a", { control: { motion: "stuck", limits: { min: 0, max: 100 }, interlocks: [], quiet: false } })),
    ).toBe(3);
    const readings = { co2: { value: 1_900, timestamp: "" } };
    expect(severity(device("a", { readings }))).toBe(1);
    expect(troubles(device("a", { readings, ...health("offline") })).map(({ kind }) => kind)).toEqual(["offline"]);
  });
  it("do not call air bad by a sensor that has been silent while the rest of its device goes on", () => {
    const readings = { co2: { value: 1_900, timestamp: "2026-05-01T12:00:00Z" } };
    expect(severity(device("a", { readings, last_seen: "2026-05-01T12:10:00Z" }))).toBe(1);
    expect(severity(device("a", { readings, last_seen: "2026-05-01T13:00:00Z" }))).toBe(0);
  });
  it("are none of a retired device", () => expect(troubles(device("a", { retired: true, ...health("offline") }))).toEqual([]));
});

describe("rooms by place", () => {
  const names = (devices: DeviceView[]) =>
    byPlace(devices, "en").map(({ place, devices: inside }) => [place, inside.map(({ device_id }) => device_id)]);
  it("are ordered as people count", () =>
    expect(names([device("Room 10"), device("Room 9")])).toEqual([["", ["Room 9", "Room 10"]]]));
  it("put troubles first, in a place and among places", () =>
    expect(
      names([
        device("a", { location: "Attic" }),
        device("b", { location: "Kitchen" }),
        device("c", { location: "Kitchen", ...health("stale") }),
        device("d"),
      ]),
    ).toEqual([
      ["Kitchen", ["c", "b"]],
      ["Attic", ["a"]],
      ["", ["d"]],
    ]));
  it("leave retired devices out", () => expect(names([device("a", { retired: true })])).toEqual([]));
});
