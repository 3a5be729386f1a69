// Answers that overtake each other.
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { DeviceView } from "../src/api/types";

type State = typeof import("../src/state/devices");

const device = (device_id: string) => ({ device_id, name: device_id, readings: {} }) as unknown as DeviceView;
const json = (body: unknown, status = 200) =>
  new Response(JSON.stringify(body), { status, headers: { "content-type": "application/json" } });

/** Questions that wait for their answer, by path. */
let waiting: { path: string; answer: (response: Response) => void }[];
let state: State;

/** Answers the oldest question for that path. */
async function answer(path: string, response: Response): Promise<void> {
  await vi.waitFor(() => expect(waiting.some(question => question.path === path)).toBe(true));
  const index = waiting.findIndex(question => question.path === path);
  waiting.splice(index, 1)[0]?.answer(response);
}

const names = () => state.devices.value.map(known => known.device_id);

beforeEach(async () => {
  waiting = [];
  vi.stubGlobal("fetch", (url: string) => new Promise(answer => waiting.push({ path: url.replace("/api/v1", ""), answer })));
  vi.resetModules();
  state = await import("../src/state/devices");
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it("a device that came in while a list was under way stays, and goes with the next list that has it no more", async () => {
  const list = state.loadDevices();
  state.refetch("attic");
  await answer("/devices/attic", json(device("attic")));
  await vi.waitFor(() => expect(names()).toEqual(["attic"]));
  await answer("/devices?retired=true", json([device("hall")]));
  await answer("/quantities", json([]));
  await list;
  expect(names()).toEqual(["hall", "attic"]);

  const next = state.loadDevices();
  await answer("/devices?retired=true", json([device("hall")]));
  await answer("/quantities", json([]));
  await next;
  expect(names()).toEqual(["hall"]);
});

it("a list that was asked for first and comes last changes nothing", async () => {
  const first = state.loadDevices();
  const second = state.loadDevices();
  const [older, , newer] = waiting;
  await answer("/quantities", json([]));
  await answer("/quantities", json([]));
  newer?.answer(json([device("hall"), device("attic")]));
  await second;
  older?.answer(json([]));
  await first;
  expect(names()).toEqual(["hall", "attic"]);
});

it("a service that does not know a device yet is asked again", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout"] });
  state.refetch("attic");
  for (let turns = 0; turns < 20; turns++) await Promise.resolve();
  waiting.shift()?.answer(json({ detail: "not known yet" }, 503));
  for (let turns = 0; turns < 50; turns++) await Promise.resolve();
  await vi.advanceTimersByTimeAsync(2_000);
  expect(waiting.map(question => question.path)).toEqual(["/devices/attic"]);
});
