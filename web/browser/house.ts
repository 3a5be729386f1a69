// A house of simulated rooms that have a past: told late, as devices do that were away. What decides about their windows is the service.
import type { DeviceView } from "../src/api/types";
import { until, type Casement } from "./casement";

const MINUTE = 60_000,
  DAY = 24 * 60;

export const ROOMS = [
  ["sim-001", "Garden", "Outside"],
  ["sim-002", "Kitchen", "Ground floor"],
  ["sim-003", "Living room", "Ground floor"],
  ["sim-004", "Bedroom", "Upstairs"],
  ["sim-005", "Study", "Upstairs"],
] as const;

/** Waves of a day and of hours; 0 at the minute 0, so that they end in what is measured now. */
function wave(minute: number, phase: number, day: number, hours: number): number {
  const at = (length: number, shift: number) => Math.sin((2 * Math.PI * minute) / length + shift) - Math.sin(shift);
  return day * at(DAY, phase) + hours * at(170 + 20 * phase, phase) + (hours / 6) * at(23, 2 * phase);
}

/** Tells the past of a room, in steps of so many minutes, up to what it says now. */
async function remember(casement: Casement, device_id: string, phase: number, minutes: number, step: number): Promise<void> {
  const { readings } = await casement.ask<DeviceView>(`/devices/${device_id}`);
  const now = Date.now(),
    times = Array.from({ length: Math.floor(minutes / step) }, (_, at) => minutes - at * step);
  const lines = (value: (ago: number) => number) =>
    times.map(ago =>
      JSON.stringify({ value: Number(value(-ago).toFixed(2)), timestamp: new Date(now - ago * MINUTE).toISOString() }),
    );
  const tell = (quantity: string, day: number, hours: number, least: number, most: number) => {
    const current = readings[quantity];
    if (!current) return Promise.resolve();
    const value = (ago: number) => Math.min(most, Math.max(least, current.value + wave(ago, phase, day, hours)));
    return casement.publishLines(`sensor/${device_id}/${quantity}`, lines(value));
  };
  await tell("temperature", 1.6, 0.5, -20, 40);
  await tell("humidity", -5, 2, 20, 90);
  await tell("co2", 120, 90, 410, 2_000);
  await tell("pressure", 3, 0.4, 980, 1_040);
  await tell("wind", 1.2, 0.8, 0, 20);
  await tell("illuminance", 20_000, 2_000, 0, 90_000);
  const moves = times.filter((_, at) => at % Math.round(90 / step) === 0);
  const position = (ago: number) => 5 * Math.round(Math.max(0, 6 + 3 * wave(-ago, phase, 1, 1)));
  await casement.publishLines(
    `window/${device_id}/state`,
    moves.map(ago => JSON.stringify({ position: position(ago), timestamp: new Date(now - ago * MINUTE).toISOString() })),
  );
}

/** Gives the simulated rooms names, places and a past, and waits until it is stored. */
export async function furnish(casement: Casement, minutes = 1_440, step = 2): Promise<void> {
  for (const [at, [device_id, name, location]] of ROOMS.entries()) {
    await until(`${device_id} is there`, async () => {
      const { readings, clip } = await casement.ask<DeviceView>(`/devices/${device_id}`);
      return readings["temperature"] && readings["humidity"] && clip;
    });
    await casement.ask(`/devices/${device_id}`, "PATCH", { name, location });
    await remember(casement, device_id, at, minutes, step);
  }
  const last = ROOMS.at(-1)![0];
  await until(
    "the past is stored",
    async () => {
      const { points } = await casement.ask<{ points: unknown[] }>(
        `/devices/${last}/history?quantity=humidity&from=-12h&points=1000`,
      );
      return points.length > Math.min(minutes, 700) / step / 2;
    },
    60_000,
  );
}
