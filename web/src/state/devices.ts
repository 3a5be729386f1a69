// Every device as it is now. What happens changes one device's signal, so that only its card is drawn again.
import { batch, computed, signal, type ReadonlySignal, type Signal } from "@preact/signals";
import { ask, part, Refused } from "../api/client";
import { isOlder, merged } from "../compute/devices";
import { glimpse, outline } from "../compute/troubles";
import type { DeviceView, Happening, QuantityView } from "../api/types";

const known = signal<ReadonlyMap<string, Signal<DeviceView>>>(new Map());

export const quantities = signal<QuantityView[]>([]);
export const loaded = signal(false);

/** All of them, retired ones included. */
export const devices = computed(() => [...known.value.values()].map(device => device.value));

/** What a text about each device says of all of them, with their ids: computed anew for the one that changed. */
function each(text: (device: DeviceView) => string): ReadonlySignal<string> {
  const seen = new WeakMap<Signal<DeviceView>, ReadonlySignal<string>>();
  const of = (device: Signal<DeviceView>) => {
    let found = seen.get(device);
    if (!found) seen.set(device, (found = computed(() => text(device.value))));
    return found.value;
  };
  return computed(() => [...known.value].map(([device_id, device]) => `${device_id} ${of(device)}`).join());
}

/** Changes with the order of rooms and with what is said above them: not with each reading, of which there may be hundreds a second. */
export const glimpses = each(glimpse);

/** Changes with who is there, who is in use, and what kinds of things are wrong. */
export const outlines = each(outline);

/** What is computed of devices: another object only where its content is another. */
function steady<T>(of: () => T): ReadonlySignal<T> {
  let before: { text: string; value: T } | null = null;
  return computed(() => {
    const value = of(),
      text = JSON.stringify(value);
    if (before?.text !== text) before = { text, value };
    return before.value;
  });
}

const inUse = computed(() => devices.value.filter(({ retired }) => !retired));

/** Ids and names of those in use, as to choose from. */
export const named = steady(() => inUse.value.map(({ device_id, name }) => [device_id, name] as const));

/** The same with those that are set: who is out of use, or not known any more, stays to be seen. */
export function choices(...set: readonly string[]): (readonly [string, string])[] {
  const more = [...new Set(set)].filter(id => id && !named.value.some(([known]) => known === id));
  return [...named.value, ...more.map(id => [id, known.value.get(id)?.value.name ?? id] as const)];
}

/** Every place where a device in use is. */
export const places = steady(() => [...new Set(inUse.value.map(({ location }) => location).filter(Boolean))]);

/** Changes where the settings of any device do: a change of a level above raises the version of each that it concerns. */
export const versions = computed(() => devices.value.map(({ settings, location }) => `${settings.version}${location}`).join());

/** One device's signal. */
export function deviceOf(device_id: string): Signal<DeviceView> | undefined {
  return known.value.get(device_id);
}

// Answers overtake each other: the list that was asked for first may come last, and know less.
let asked = 0,
  applied = 0;
/** By device, how many lists had been asked for when it came in by an answer of its own. */
const arrived = new Map<string, number>();

/** Asks for everything anew: at the start, and after events were lost. */
export async function loadDevices(): Promise<void> {
  const mine = ++asked;
  const [every, measured] = await Promise.all([ask<DeviceView[]>("/devices?retired=true"), ask<QuantityView[]>("/quantities")]);
  if (mine < applied) return;
  applied = mine;
  batch(() => {
    const next = new Map<string, Signal<DeviceView>>();
    for (const device of every) {
      const before = known.value.get(device.device_id);
      if (before) before.value = merged(device, before.value);
      next.set(device.device_id, before ?? signal(device));
    }
    // A device that came in while the list was under way is newer than the list.
    for (const [device_id, since] of arrived) {
      const device = known.value.get(device_id);
      if (since < mine) arrived.delete(device_id);
      else if (device && !next.has(device_id)) next.set(device_id, device);
    }
    known.value = next;
    quantities.value = measured;
    loaded.value = true;
  });
}

/** Takes over what an answer says of a device. */
export function setDevice(device: DeviceView): void {
  const before = known.value.get(device.device_id);
  if (before) before.value = merged(device, before.value);
  else {
    arrived.set(device.device_id, asked);
    known.value = new Map(known.value).set(device.device_id, signal(device));
  }
}

/** Lays a change over a device that is known. */
export function amend(device_id: string, change: Partial<DeviceView>): void {
  const device = known.value.get(device_id);
  if (device) device.value = { ...device.value, ...change };
}

const stale = new Set<string>();
let fetching = false;
/** A service that has just started may not know yet which devices there were: it says 503. */
const AGAIN_MS = 2_000;

/** Asks for a device anew, one after the other. */
export function refetch(device_id: string): void {
  stale.add(device_id);
  if (!fetching) void fetchStale();
}

async function fetchStale(): Promise<void> {
  fetching = true;
  for (const device_id of stale) {
    stale.delete(device_id);
    try {
      setDevice(await ask<DeviceView>(`/devices/${part(device_id)}`));
    } catch (error) {
      if (!(error instanceof Refused)) continue;
      if (error.status === 503) setTimeout(() => refetch(device_id), AGAIN_MS);
      if (error.status === 404) {
        const rest = new Map(known.value);
        rest.delete(device_id);
        known.value = rest;
      }
    }
  }
  fetching = false;
}

/** The changed fields of a device after an event; null where only asking helps. */
function change(device: DeviceView, event: Happening): Partial<DeviceView> | null {
  switch (event.event) {
    case "reading":
      return isOlder(event.timestamp, device.readings[event.quantity])
        ? {}
        : { readings: { ...device.readings, [event.quantity]: { value: event.value, timestamp: event.timestamp } } };
    case "window":
      return isOlder(event.timestamp, device.window) ? {} : { window: { value: event.position, timestamp: event.timestamp } };
    case "suspect":
      return { suspect: event.suspect };
    case "clip":
      return { clip: event.clip };
    case "command":
      return { command: event.command };
    case "held":
      return { held: event.held };
    case "withheld":
      return { withheld: event.withheld };
    case "telemetry":
      return { telemetry: event.telemetry };
    case "settings":
      return { settings: event.settings };
    case "control":
      return { control: event.control };
    default:
      return null;
  }
}

const AWAY: ReadonlySet<string> = new Set(["never_seen", "offline"]);

/** Takes in what happened. */
export function take(events: readonly (Happening & { at?: string })[]): void {
  batch(() => {
    for (const event of events) {
      if (event.event === "registry") void loadDevices().catch(() => undefined);
      if (event.event === "registry" || event.event === "refused") continue;
      const device = known.value.get(event.device_id);
      const changed = device && change(device.value, event);
      if (!device || !changed) {
        refetch(event.device_id);
        continue;
      }
      // Ours, not the device's, is when it was heard.
      const heard =
        event.event === "command" || event.event === "control" || event.event === "settings"
          ? {}
          : { last_seen: event.at ?? new Date().toISOString() };
      device.value = { ...device.value, ...changed, ...heard };
      // Whoever is heard is there: no event says so of one that was never heard before, or whose return came before the page.
      if ("last_seen" in heard && AWAY.has(device.value.health.state)) refetch(event.device_id);
    }
  });
}
