import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { afterSeen } from "../src/state/seen";

let page: EventTarget & { hidden: boolean }, done: number;

beforeEach(() => {
  vi.useFakeTimers();
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal("document", page);
  done = 0;
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const turn = (hidden: boolean) => {
  page.hidden = hidden;
  page.dispatchEvent(new Event("visibilitychange"));
};
const begin = () => afterSeen(() => (done += 1), 5_000);

it("is done in time where somebody looks", () => {
  begin();
  vi.advanceTimersByTime(4_999);
  expect(done).toBe(0);
  vi.advanceTimersByTime(1);
  expect(done).toBe(1);
});

it("waits while nobody looks, and is done once when they do", () => {
  turn(true);
  begin();
  vi.advanceTimersByTime(3_600_000);
  turn(true);
  expect(done).toBe(0);
  turn(false);
  expect(done).toBe(1);
  turn(true);
  turn(false);
  expect(done).toBe(1);
});

it("is not done once it is stopped, whether it waits for the time or for somebody", () => {
  begin()();
  vi.advanceTimersByTime(5_000);
  turn(true);
  const stop = begin();
  vi.advanceTimersByTime(5_000);
  stop();
  turn(false);
  expect(done).toBe(0);
});
