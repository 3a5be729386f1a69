// The settings of many rooms, where some cannot be read.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { readEach } from "../src/schedules/effective";
import { AGAIN_MS } from "../src/view/useAsk";

let answers: (path: string) => Response | null, asked: string[], taken: string[], failures: string[];

const json = (body: object, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

beforeEach(() => {
  vi.useFakeTimers();
  [asked, taken, failures] = [[], [], []];
  answers = () => json({});
  vi.stubGlobal("document", Object.assign(new EventTarget(), { hidden: false }));
  vi.stubGlobal("fetch", async (url: string) => {
    const device_id = url.split("/").at(-2)!;
    asked.push(device_id);
    const answer = answers(device_id);
    if (!answer) throw new TypeError("no network");
    return answer;
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const begin = () =>
  readEach(
    ["a", "b", "c"],
    device_id => void taken.push(device_id),
    why => void failures.push(why),
  );

it("one that cannot be read now is said, and asked for again until it can", async () => {
  answers = device_id => (device_id === "b" ? json({ detail: "not known yet" }, 503) : json({}));
  begin();
  await vi.advanceTimersByTimeAsync(AGAIN_MS - 1);
  expect([taken, failures.length, failures.at(-1) !== ""]).toEqual([["a"], 1, true]);
  await vi.advanceTimersByTimeAsync(1);
  expect(asked, "the rest waits").toEqual(["a", "b", "b"]);
  answers = () => json({});
  await vi.advanceTimersByTimeAsync(AGAIN_MS);
  expect([taken, failures.at(-1)]).toEqual([["a", "b", "c"], ""]);
});

it("one that is refused is said and keeps no other; one that is gone is not said", async () => {
  answers = device_id => (device_id === "a" ? json({ detail: "gone" }, 404) : json({}));
  begin();
  await vi.advanceTimersByTimeAsync(1);
  expect([taken, failures]).toEqual([["b", "c"], [""]]);
  answers = device_id => (device_id === "a" ? json({ detail: "not for guests" }, 403) : json({}));
  begin();
  await vi.advanceTimersByTimeAsync(1);
  expect(taken).toEqual(["b", "c", "b", "c"]);
  expect(failures.at(-1)).not.toBe("");
});

it("nothing is asked for once it is stopped", async () => {
  answers = () => null;
  const stop = begin();
  await vi.advanceTimersByTimeAsync(1);
  stop();
  await vi.advanceTimersByTimeAsync(10 * AGAIN_MS);
  expect(asked).toEqual(["a"]);
});
