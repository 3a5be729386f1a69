// What is shown of all devices together: choices, and tables that keep calm.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { DeviceView } from "../src/api/types";

const devices = await import("../src/state/devices");
const { APART_MS, calmly } = await import("../src/state/calm");

const device = (device_id: string, change: object = {}): DeviceView =>
  ({
    device_id,
    name: `Room ${device_id}`,
    location: `Place of ${device_id}`,
    retired: false,
    readings: {},
    health: { state: "online", reason: "", problems: [] },
    settings: { state: "none", version: 0 },
    ...change,
  }) as unknown as DeviceView;

beforeEach(() => {
  vi.useFakeTimers();
  for (const device_id of ["a", "b"]) devices.setDevice(device(device_id));
  devices.amend("a", device("a"));
  devices.amend("b", device("b"));
});
afterEach(() => void vi.useRealTimers());

describe("to choose from", () => {
  it("are devices in use, and their places", () => {
    devices.amend("b", { retired: true });
    expect(devices.named.value).toEqual([["a", "Room a"]]);
    expect(devices.places.value).toEqual(["Place of a"]);
  });
  it("is who is set, too: out of use by its name, unknown by its id", () => {
    devices.amend("b", { retired: true });
    expect(devices.choices("b", "gone")).toEqual([
      ["a", "Room a"],
      ["b", "Room b"],
      ["gone", "gone"],
    ]);
    expect(devices.choices("", "a", "a")).toEqual([["a", "Room a"]]);
  });
});

describe("a table", () => {
  const weak = (battery_percent: number) => ({ telemetry: { battery_percent, timestamp: "" } }) as Partial<DeviceView>;
  it("is drawn once a second while values change, also those of troubles, and at once where others are there", () => {
    devices.amend("a", weak(10));
    let drawn = 0;
    const stop = calmly(() => (drawn += 1));
    vi.advanceTimersByTime(2 * APART_MS);
    drawn = 0;
    for (const percent of [9, 8, 7, 6]) devices.amend("a", weak(percent));
    expect(drawn, "the same is wrong").toBeLessThanOrEqual(1);
    vi.advanceTimersByTime(APART_MS);
    expect(drawn).toBeLessThanOrEqual(2);
    drawn = 0;
    devices.amend("a", weak(90));
    expect(drawn, "nothing is wrong any more").toBe(1);
    devices.amend("b", { retired: true });
    expect(drawn, "it is out of use").toBe(2);
    devices.setDevice(device("c"));
    expect(drawn, "one is new").toBe(3);
    stop();
  });
});
