import { expect, it } from "vitest";
import type { DeviceView } from "../src/api/types";
import { isOlder, merged } from "../src/compute/devices";

const at = (second: number) => new Date(second * 1000).toISOString();
const device = (value: number, second: number, window?: number) =>
  ({
    device_id: "a",
    name: `told at ${second}`,
    readings: { temperature: { value, timestamp: at(second) } },
    window: window === undefined ? null : { value: window, timestamp: at(second) },
  }) as unknown as DeviceView;

it("an answer that was overtaken keeps what the stream said meanwhile", () => {
  const found = merged(device(20, 10, 0), device(21, 12, 50));
  expect(found).toMatchObject({ name: "told at 10", readings: { temperature: { value: 21 } }, window: { value: 50 } });
});

it("an answer that is newer is taken as it is", () => {
  const answer = device(20, 12, 0);
  expect(merged(answer, device(21, 10, 50))).toBe(answer);
  expect(merged(answer, undefined)).toBe(answer);
});

it("what an answer no longer has is gone", () =>
  expect(merged({ ...device(20, 10), readings: {} }, device(21, 12)).readings).toEqual({}));

it("something is not older than nothing, nor than itself", () =>
  expect([
    isOlder(at(1), null),
    isOlder(at(1), { value: 0, timestamp: at(1) }),
    isOlder(at(1), { value: 0, timestamp: at(2) }),
  ]).toEqual([false, false, true]));
