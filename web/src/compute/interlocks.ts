// Which sensors an interlock listens to. Pure.
import type { DeviceView, Settings } from "../api/types";

/** Interlocks that hear what is measured, and what they hear. */
const HEARS = { rain: "rain", wind: "wind", frost: "temperature" } as const;
export type Hearing = keyof typeof HEARS;

/** Whose interlocks: a device's, those of a location's devices, or those of all. */
type Whose = { kind: "device"; device_id: string } | { kind: "group"; location: string } | { kind: "defaults" };

/** Whether any sensor tells an interlock of what it is about: the one that is named, and else one of the device, of its place, or
 * its outdoor sensor. One that is named and never measured it is silent: it tells something only where silence does. Of all
 * devices together nobody can say: null. */
export function isHeard(
  hearing: Hearing,
  whose: Whose,
  { interlocks, outdoor_sensor }: Settings,
  devices: readonly DeviceView[],
): boolean | null {
  const measures = (device: DeviceView | undefined) => !!device && !device.retired && !!device.readings[HEARS[hearing]];
  const named = (device_id: string) => devices.find(device => device.device_id === device_id);
  const { sensor, when_silent } = interlocks?.[hearing] ?? {};
  if (sensor) return when_silent === "close" || measures(named(sensor));
  if (outdoor_sensor && measures(named(outdoor_sensor))) return true;
  if (hearing === "frost") return whose.kind === "defaults" ? null : false;
  if (whose.kind === "defaults") return devices.some(measures) ? null : false;
  const location = whose.kind === "group" ? whose.location : named(whose.device_id)?.location;
  if (location && devices.some(device => device.location === location && measures(device))) return true;
  return whose.kind === "device" && measures(named(whose.device_id));
}
