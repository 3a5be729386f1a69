import { describe, expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { entryOf, opens } from "../src/compute/entry";
import { isHeard } from "../src/compute/interlocks";

const device = (device_id: string, location: string, ...measures: string[]): DeviceView =>
  ({
    device_id,
    location,
    retired: false,
    readings: Object.fromEntries(measures.map(word => [word, { value: 0, timestamp: "2026-05-01T12:00:00Z" }])),
  }) as unknown as DeviceView;

describe("an interlock", () => {
  const kitchen = device("kitchen", "Ground floor", "temperature"),
    garden = device("garden", "Outside", "rain", "temperature");
  const room = { kind: "device", device_id: "kitchen" } as const,
    place = { kind: "group", location: "Ground floor" } as const;
  it("hears nothing where no sensor is", () => {
    expect(isHeard("rain", room, {}, [kitchen, garden])).toBe(false);
    expect(isHeard("rain", place, {}, [kitchen, garden])).toBe(false);
    expect(isHeard("rain", { kind: "defaults" }, {}, [kitchen])).toBe(false);
    expect(isHeard("frost", room, {}, [kitchen, garden])).toBe(false);
  });
  it("hears the sensor that is named, the outdoor one, one of its place, and its own", () => {
    expect(isHeard("rain", room, { interlocks: { rain: { sensor: "garden" } } }, [kitchen, garden])).toBe(true);
    expect(isHeard("rain", room, { outdoor_sensor: "garden" }, [kitchen, garden])).toBe(true);
    expect(isHeard("frost", room, { outdoor_sensor: "garden" }, [kitchen, garden])).toBe(true);
    const gauge = device("gauge", "Ground floor", "rain");
    expect(isHeard("rain", room, {}, [kitchen, gauge])).toBe(true);
    expect(isHeard("rain", place, {}, [kitchen, gauge])).toBe(true);
    expect(isHeard("rain", { kind: "device", device_id: "own" }, {}, [device("own", "", "rain")])).toBe(true);
  });
  it("hears only the one that is named, and its silence where that closes", () => {
    const gauge = device("gauge", "Ground floor", "rain"),
      named = (when_silent?: "keep" | "close" | "ignore") => ({ interlocks: { rain: { sensor: "attic", when_silent } } });
    for (const devices of [
      [kitchen, gauge],
      [kitchen, gauge, device("attic", "Outside", "temperature")],
    ]) {
      expect(isHeard("rain", room, named(), devices)).toBe(false);
      expect(isHeard("rain", room, named("keep"), devices)).toBe(false);
      expect(isHeard("rain", room, named("ignore"), devices)).toBe(false);
      expect(isHeard("rain", room, named("close"), devices)).toBe(true);
    }
  });
  it("does not hear one of nowhere, or one out of use", () => {
    const own = device("kitchen", "", "temperature");
    expect(isHeard("rain", room, {}, [own, device("gauge", "", "rain")])).toBe(false);
    expect(isHeard("rain", room, {}, [kitchen, { ...device("gauge", "Ground floor", "rain"), retired: true }])).toBe(false);
  });
  it("may hear one of all devices' settings: nobody can say for all", () =>
    expect(isHeard("rain", { kind: "defaults" }, {}, [kitchen, garden])).toBeNull());
});

describe("a device without an account", () => {
  it.each([
    [{ registration: "open", network: null }, "free", false],
    [{ registration: "open", network: "mqtts://192.168.1.20:8883" }, "door", true],
    [{ registration: "pairing", network: null }, "door", true],
    [{ registration: "closed", network: null }, "closed", false],
    [{ registration: null, network: null }, "elsewhere", false],
  ])("%j", (door, entry, hasDoor) => expect([entryOf(door), opens(door)]).toEqual([entry, hasDoor]));
});
