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

describe("what the model would like", () => {
  const LATER = "2026-05-01T12:01:00Z",
    plain = (text: string) => text.replace(/\u00a0/g, " ");
  const room = (verdict: string, control: object | null = null): DeviceView => {
    const held = { timestamp: LATER, position: 70, confidence: 0.85, verdict, model_version: "v1", reason: "" };
    return { ...told({ origin: "person" }, control), held, window: { value: 40, timestamp: AT } } as unknown as DeviceView;
  };
  it.each([
    ["there", "The model wants it as it is: 40 %, 85 % sure"],
    ["interlock", "The model would like 70 %, 85 % sure, but a safety rule says otherwise"],
    ["override", "The model would like 70 %, 85 % sure, but a person decides"],
    ["schedule", "The model would like 70 %, 85 % sure, but a schedule decides"],
    ["quiet", "The model would like 70 %, 85 % sure, but these are quiet hours"],
    ["too_soon", "The model would like 70 %, 85 % sure, but the window has just moved"],
    ["too_small", "The model would like 70 %, 85 % sure, but that is too little for the motor"],
    ["unsure", "The model would like 70 %, but is only 85 % sure"],
  ])("is told with how sure it is: %s", (verdict, sentence) => {
    const override = { since: AT, position: 40, source: "page" };
    expect(plain(words.wish(room(verdict, { override })))).toBe(sentence);
  });
  it("is told while a person decides, once it has said so since they did", () => {
    const by = (since: string) => ({ override: { since, position: 40, source: "page" } });
    expect(plain(words.meanwhile(room("override", by(AT))))).toContain("70 %, 85 % sure, but a person decides");
    expect(words.meanwhile(room("override", by("2026-05-01T12:02:00Z")))).toBe("");
    expect(words.meanwhile(room("override"))).toBe("");
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

  const at = (motion: string, control: object, value?: number) =>
    words.windowState({
      device_id: "room",
      readings: {},
      health: { state: "online" },
      window: value === undefined ? null : { value, timestamp: AT },
      control: { limits: { min: 0, max: 100 }, interlocks: [], motion, ...control },
    } as unknown as DeviceView);
  const said = (state: { words: string }) => state.words.replace(/\u00a0/g, " ");

  it("is nowhere known after it began anew, whatever it reports", () => {
    const anew = at("unknown", { position: null, target: 60 }, 0);
    expect([anew.known, anew.position, anew.lost]).toEqual([true, null, true]);
    expect(said(anew)).toBe("Position unknown · told 60 %");
    expect(said(at("unknown", { position: 0, target: 60 }, 0))).toBe("Position unknown · told 60 %");
  });
  it("stands where it reports, and where the service knows it to stand as long as it reports nothing", () => {
    expect(said(at("still", { position: 0, target: 0 }, 2)), "pushed a little").toBe("2 % open");
    expect(at("stuck", { position: 30, target: 80 }, 31).position).toBe(31);
    expect(at("moving", { position: 10, target: 80 }, 30).position).toBe(30);
    expect(said(at("still", { position: 40, target: 40 }))).toBe("40 % open");
    expect(said(at("unreported", { position: null, target: 35 }, 20))).toBe("20 % open · told 35 %");
  });
  it("that reports nothing is taken to be where it was told to go", () => {
    expect(said(at("unreported", { position: null, target: 35 }))).toBe("Reports nothing; taken to be at 35 %");
    expect(said(words.windowState(told({}, null)))).toBe("Reports nothing; taken to be at 40 %");
    expect(said(at("unreported", { position: null, target: null, override: { position: 5 } }))).toBe("Position unknown");
  });
});
