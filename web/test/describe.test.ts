import { beforeAll, describe, expect, it, vi } from "vitest";
import type { DeviceView } from "../src/api/types";

let words: typeof import("../src/view/describe");
let sentences: typeof import("../src/view/sentences");

beforeAll(async () => {
  vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined });
  vi.stubGlobal("document", { documentElement: { dataset: {} }, addEventListener: () => undefined });
  words = await import("../src/view/describe");
  sentences = await import("../src/view/sentences");
});

const AT = "2026-05-01T12:00:00Z";

/** A device whose newest command is this one. */
function told(command: object, control: object | null = null): DeviceView {
  const all = { timestamp: AT, position: 40, confidence: 0.9, verdict: "moved", origin: "", ...command };
  return { device_id: "room", readings: {}, health: { state: "online" }, command: all, control } as unknown as DeviceView;
}

describe("who moved a window", () => {
  it.each([
    [{ origin: "person" }, "Moved by hand to 40 %"],
    [{ origin: "model", model_version: "v1" }, "The model chose 40 %"],
    [{ origin: "interlock", cause: "rain", position: 0 }, "Kept to 0 % by a safety rule: rain"],
    [{ origin: "interlock" }, "Kept to 40 % by a safety rule"],
    [{ origin: "schedule", cause: "night" }, "The schedule night chose 40 %"],
    [{ origin: "schedule", cause: null }, "A schedule chose 40 %"],
    [{ origin: "" }, "Told to go to 40 %"],
  ])("%j", (command, sentence) => expect(words.wish(told(command)).replace(/\u00a0/g, " ")).toContain(sentence));

  it("is told by what became of the newest command, too", () => {
    const command = { origin: "interlock", cause: "child_lock", position: 10, at: "2026-05-01T12:05:00Z" };
    expect(words.wish(told({ origin: "person" }, { command }))).toContain("child lock");
  });
});

describe("what holds a window", () => {
  it("is named, with how far the window may open", () => {
    const wind = { cause: "wind", text: "", most: 5 };
    expect(sentences.interlockWords(wind).replace(/\u00a0/g, " ")).toBe("Wind: 5 % at most");
    expect(sentences.interlockWords({ cause: "rain", text: "it rains", most: 0 })).toBe("it rains: stays shut");
  });
  it("makes no window of a device without one", () => {
    const control = { limits: { min: 0, max: 100 }, interlocks: [{ cause: "rain", most: 0 }], motion: "unreported" };
    const gauge = { device_id: "gauge", readings: {}, health: { state: "online" }, control } as unknown as DeviceView;
    expect(words.windowState(gauge).known).toBe(false);
  });
});
