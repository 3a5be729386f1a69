// What moves the range of the charts: steps, and fingers.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { later, pan, zoom } from "../src/compute/history";

vi.stubGlobal("localStorage", { getItem: () => null, setItem: () => undefined, removeItem: () => undefined });
const { rangeOf, shownRange, step } = await import("../src/room/range");
const { touches } = await import("../src/room/touch");

const NOW = Date.parse("2026-05-01T12:00:00Z"),
  nowS = () => Date.now() / 1000;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: NOW });
  shownRange.value = rangeOf("h1");
});
afterEach(() => void vi.useRealTimers());

const wait = (seconds: number) => void vi.setSystemTime(Date.now() + seconds * 1_000);

describe("a range that follows now", () => {
  it.each([
    ["closer", (range: { from: number; to: number }, now: number) => zoom(range, 0.5, now, 1)],
    ["wider", (range: { from: number; to: number }, now: number) => zoom(range, 2, now, 1)],
    ["later", (range: { from: number; to: number }, now: number) => later(range, 0.5, now)],
  ])("goes on following it, however long ago it caught up: %s", (_, go) => {
    wait(55);
    step(go);
    expect(shownRange.value).toMatchObject({ to: nowS(), follows: true });
  });
  it("follows it no more once it is moved back, and again once it is moved on", () => {
    step((range, now) => pan(range, -0.5, now));
    expect(shownRange.value.follows).toBe(false);
    wait(40);
    step((range, now) => later(range, 0.5, now));
    expect(shownRange.value).toMatchObject({ to: nowS(), follows: true });
  });
});

describe("fingers", () => {
  /** Handlers of charts 1,000 pixels wide; they may vanish. */
  function charts() {
    const seen = { plots: true },
      heard = touches();
    const currentTarget = {
      querySelector: () => (seen.plots ? { getBoundingClientRect: () => ({ left: 0, width: 1_000 }) } : null),
    };
    const of = (pointerId: number, clientX: number, clientY = 0, isPrimary = true, pointerType = "touch") =>
      ({ pointerId, clientX, clientY, isPrimary, pointerType, currentTarget }) as unknown as PointerEvent;
    return { seen, heard, of };
  }
  const length = () => shownRange.value.to - shownRange.value.from;

  it("move the range by one, and what was below it stays there", () => {
    const { heard, of } = charts();
    heard.onPointerDown(of(1, 300));
    heard.onPointerMove(of(1, 500, 3));
    expect(nowS() - shownRange.value.to).toBeCloseTo(720);
    expect([length(), shownRange.value.follows]).toEqual([3_600, false]);
  });
  it("leave the range where it is for a tap that shakes, and for what goes up and down", () => {
    const { heard, of } = charts(),
      before = shownRange.value;
    heard.onPointerDown(of(1, 300));
    heard.onPointerMove(of(1, 293, 1));
    heard.onPointerMove(of(1, 320, 30));
    heard.onPointerUp(of(1, 320, 30));
    expect(shownRange.value).toBe(before);
  });
  it("zoom by two", () => {
    const { heard, of } = charts();
    heard.onPointerDown(of(1, 400));
    heard.onPointerDown(of(2, 600, 0, false));
    heard.onPointerMove(of(2, 800, 0, false));
    expect(length()).toBeCloseTo(1_800);
  });
  it("count as one after the charts vanished below another", () => {
    const { seen, heard, of } = charts();
    heard.onPointerDown(of(1, 400));
    seen.plots = false;
    heard.onPointerMove(of(1, 420));
    // Its end is nobody's.
    seen.plots = true;
    heard.onPointerDown(of(2, 300));
    heard.onPointerMove(of(2, 500));
    expect(length(), "it is moved, not zoomed").toBe(3_600);
    expect(nowS() - shownRange.value.to).toBeCloseTo(720);
  });
  it.each(["mouse", "pen"])("are no %s", kind => {
    const { heard, of } = charts(),
      before = shownRange.value;
    heard.onPointerDown(of(1, 300, 0, true, kind));
    heard.onPointerMove(of(1, 500, 0, true, kind));
    expect(shownRange.value).toBe(before);
  });
});
