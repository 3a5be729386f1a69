// What is wrong in a room, the worst first. Pure.
import type { DeviceView } from "../api/types";
import { isBehind, isNewer } from "./time";

/** 3: nothing works there. 2: somebody has to do something. 1: worth knowing. */
export type Severity = 0 | 1 | 2 | 3;

/** A trouble. `text` is the service's own words, where it has some. */
export interface Trouble {
  kind:
    | "offline"
    | "stale"
    | "never_seen"
    | "stuck"
    | "problem"
    | "clock"
    | "refuses_settings"
    | "suspect"
    | "battery"
    | "stuffy"
    | "withheld";
  severity: Exclude<Severity, 0>;
  text?: string;
  value?: number;
  quantity?: string;
}

const BATTERY_LOW = 15;
/** Above this many ppm CO₂ air counts as unacceptable (German Environment Agency: 2,000 ppm; 1,400 needs airing). */
const STUFFY_PPM = 1_400;

/** What was found of a device; one that changes is another object. */
const judged = new WeakMap<DeviceView, readonly Trouble[]>();

/** The troubles of a device, the worst first. A retired one has none. */
export function troubles(device: DeviceView): readonly Trouble[] {
  let found = judged.get(device);
  if (!found) judged.set(device, (found = judge(device)));
  return found;
}

function judge(device: DeviceView): Trouble[] {
  if (device.retired) return [];
  const found: Trouble[] = [];
  const { state, reason, problems } = device.health;
  if (state === "offline") found.push({ kind: "offline", severity: 3, text: reason });
  if (state === "stale") found.push({ kind: "stale", severity: 2, text: reason });
  if (state === "never_seen") found.push({ kind: "never_seen", severity: 1 });
  if (device.control?.motion === "stuck") found.push({ kind: "stuck", severity: 3, ...words(device.control.verdict?.text) });
  for (const { detail } of problems) found.push({ kind: "problem", severity: 2, text: detail });
  if (device.clock && !problems.some(({ kind }) => kind === "clock"))
    found.push({ kind: "clock", severity: 2, text: device.clock.state });
  if (device.settings.state === "refused")
    found.push({ kind: "refuses_settings", severity: 2, ...words(device.settings.reason) });
  const { suspect } = device;
  if (suspect && isNewer(suspect, device.readings[suspect.quantity])) {
    found.push({ kind: "suspect", severity: 2, text: suspect.reason, value: suspect.value, quantity: suspect.quantity });
  }
  const battery = device.telemetry?.battery_percent;
  if (battery != null && battery < BATTERY_LOW) found.push({ kind: "battery", severity: 1, value: battery });
  const co2 = device.readings["co2"];
  const isAirKnown = co2 && state === "online" && !isBehind(co2, device);
  if (isAirKnown && co2.value >= STUFFY_PPM) found.push({ kind: "stuffy", severity: 1, value: co2.value });
  return found.sort((one, other) => other.severity - one.severity);
}

function words(text: string | null | undefined): { text?: string } {
  return text ? { text } : {};
}

/** How bad it is. */
export function severity(device: DeviceView): Severity {
  return troubles(device)[0]?.severity ?? 0;
}

const collators = new Map<string, Intl.Collator>();

// One takes a millisecond to make, and rooms are put in order with each message.
function collator(locale: string): Intl.Collator {
  let made = collators.get(locale);
  if (!made) collators.set(locale, (made = new Intl.Collator(locale, { numeric: true })));
  return made;
}

/** What places a room among the others, and what is said of it above them: the same text as long as both stay. */
export function glimpse(device: DeviceView): string {
  return JSON.stringify([device.name, device.location, device.retired, troubles(device)[0] ?? null]);
}

/** Whether it is in use, and what kinds of things are wrong: the same text while only their values change. */
export function outline(device: DeviceView): string {
  return [device.retired, ...troubles(device).map(({ kind }) => kind)].join(" ");
}

/** Rooms by their place: worst first within each, places with troubles before others, and what has no place last. */
export function byPlace(
  devices: readonly DeviceView[],
  locale: string,
): { place: string; devices: DeviceView[]; severity: Severity }[] {
  const order = collator(locale).compare;
  const places = new Map<string, DeviceView[]>();
  for (const device of devices) {
    if (device.retired) continue;
    const place = device.location.trim();
    const inside = places.get(place);
    if (inside) inside.push(device);
    else places.set(place, [device]);
  }
  const groups = [...places].map(([place, inside]) => {
    const judged = inside.map(device => ({ device, severity: severity(device) }));
    judged.sort((one, other) => other.severity - one.severity || order(one.device.name, other.device.name));
    return { place, devices: judged.map(({ device }) => device), severity: judged[0]?.severity ?? 0 };
  });
  return groups.sort(
    (one, other) => other.severity - one.severity || Number(!one.place) - Number(!other.place) || order(one.place, other.place),
  );
}
