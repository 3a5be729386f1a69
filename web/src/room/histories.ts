// What a room's charts show: every series of the range, asked for at once; late data appear when it is asked again. What was
// answered before stays at hand, so that a new range is drawn at once from what is there.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, part, query, Refused } from "../api/client";
import type { Command, DeviceEvent, Histories, PastPrediction } from "../api/types";
import { atHand, isLike, measured, padded, standing, type Aligned, type Range } from "../compute/history";
import { listen } from "../state/live";
import { afterSeen } from "../state/seen";
import { catchUp, shownRange, type Shown } from "./range";

const MOST_POINTS = 2_000;
/** How many predictions are drawn at most, the newest of their range. */
export const PREDICTIONS = 300;
/** Events that the charts mark at most. */
const EVENTS = 200;
/** Predictions are asked for one by one only over so many seconds. */
export const PREDICTIONS_S = 8 * 86_400;
/** How many moves and events are listed: what is shown at first, and after each wish for more. The last is what the API gives at once. */
export const LISTED = [25, 100, 300, 1_000] as const;
const SOON_MS = 4_000,
  /** Ranges that follow each other faster, as while a key is held down, are not all asked for. */
  APART_MS = 120,
  KEPT = 12,
  FRESH_MS = 30_000;

const TRACKS = new Set(["sound_level", "position", "commanded"]),
  POSITIONS = new Set(["position", "commanded"]);

export type SeriesByName = ReadonlyMap<string, Aligned>;

export interface Past {
  series: SeriesByName;
  /** The range of the lists below; null until they have come. */
  listed: Range | null;
  predictions: PastPrediction[];
  commands: Command[];
  events: DeviceEvent[];
  /** Which lists are as long as they were asked for: they may not reach back to the beginning of their range. */
  cut: Cut;
}

export interface Cut {
  predictions: boolean;
  commands: boolean;
  events: boolean;
}

export interface Asked {
  past: Past | null;
  failure: "" | "away" | string;
  asking: boolean;
}

interface Answered extends Range {
  at: number;
  series: SeriesByName;
}

/** What is asked for: a device, its series, so many points of each. */
export interface Wanted {
  device_id: string;
  names: readonly string[];
  points: number;
  /** So many moves and events are to be listed. */
  listed: number;
}

const answered = new Map<string, Answered[]>();
const keyOf = ({ device_id, names }: Wanted): string => `${device_id} ${names.join()}`;

function remember(key: string, answer: Answered): void {
  const others = (answered.get(key) ?? []).filter(other => !isLike(answer, other));
  answered.set(key, [...others, answer].slice(-KEPT));
}

const iso = (seconds: number) => new Date(seconds * 1000).toISOString();

/** Asks for all series of a range: quantities come in one answer, tracks in another, whichever is first. */
async function load(
  wanted: Wanted,
  shown: Range,
  signal: AbortSignal | undefined,
  arrived: (some: SeriesByName) => void,
): Promise<void> {
  const now = Date.now() / 1000,
    range = padded(shown, now);
  const points = Math.min(MOST_POINTS, Math.ceil((wanted.points * (range.to - range.from)) / (shown.to - shown.from)));
  const some = async (names: string[]): Promise<[string, Aligned][]> => {
    if (!names.length) return [];
    const asked = query({ quantities: names.join(), from: iso(range.from), to: iso(range.to), points });
    const { series, interval_s } = await ask<Histories>(`/devices/${part(wanted.device_id)}/histories${asked}`, { signal });
    const found = series.map(columns => {
      const aligned = POSITIONS.has(columns.quantity)
        ? standing(columns, range.from, Math.min(range.to, now))
        : measured(columns, interval_s);
      return [columns.quantity, aligned] as [string, Aligned];
    });
    if (!signal?.aborted) arrived(new Map(found));
    return found;
  };
  const both = await Promise.all([
    some(wanted.names.filter(name => !TRACKS.has(name))),
    some(wanted.names.filter(name => TRACKS.has(name))),
  ]);
  remember(keyOf(wanted), { ...range, at: Date.now(), series: new Map(both.flat()) });
}

const NOTHING: Past = {
  series: new Map(),
  listed: null,
  predictions: [],
  commands: [],
  events: [],
  cut: { predictions: false, commands: false, events: false },
};

type Lists = Pick<Past, "listed" | "predictions" | "commands" | "events" | "cut">;

async function list({ device_id, listed }: Wanted, range: Range, signal: AbortSignal): Promise<Lists> {
  const path = `/devices/${part(device_id)}`,
    period = { from: iso(range.from), to: iso(range.to) };
  const single = range.to - range.from <= PREDICTIONS_S,
    limit = Math.max(100, listed),
    most = Math.max(EVENTS, listed);
  const [predictions, commands, events] = await Promise.all([
    single
      ? ask<PastPrediction[]>(`${path}/predictions${query({ ...period, limit: PREDICTIONS })}`, { signal })
      : NOTHING.predictions,
    ask<Command[]>(`${path}/commands${query({ ...period, limit })}`, { signal }),
    ask<DeviceEvent[]>(`${path}/events${query({ ...period, limit: most })}`, { signal }),
  ]);
  const cut = {
    predictions: predictions.length >= PREDICTIONS,
    commands: commands.length >= limit,
    events: events.length >= most,
  };
  return { listed: range, predictions, commands, events, cut };
}

/** Asks ahead for a range that somebody is about to choose. */
export function askAhead(wanted: Wanted, range: Range): void {
  const known = answered.get(keyOf(wanted)) ?? [];
  const isKnown = known.some(
    ({ from, to, at }) => from <= range.from && to - from < 2 * (range.to - range.from) && Date.now() - at < FRESH_MS,
  );
  if (wanted.points && !isKnown) void load(wanted, range, undefined, () => undefined).catch(() => undefined);
}

/** The past of a device over the shown range. While something new is asked for, what was there stays. */
export function usePast(wanted: Wanted): Asked {
  const [state, set] = useState<Asked>({ past: null, failure: "", asking: true });
  const range = shownRange.value,
    { device_id, points, listed } = wanted,
    key = keyOf(wanted);
  const [round, ask_] = useState(0),
    lastAsked = useRef(0);

  useEffect(() => {
    if (!points) return undefined;
    const controller = new AbortController(),
      { signal } = controller;
    const found = atHand(answered.get(key) ?? [], range);
    set(before => ({
      ...before,
      asking: true,
      past: found ? { ...(before.past ?? NOTHING), series: found.series } : before.past,
    }));
    const arrived = (some: SeriesByName) =>
      set(before => {
        const past = before.past ?? NOTHING;
        return { ...before, past: { ...past, series: new Map([...past.series, ...some]) } };
      });
    const begin = async () => {
      lastAsked.current = Date.now();
      try {
        await load(wanted, range, signal, arrived);
        const lists = await list(wanted, range, signal);
        if (!signal.aborted) set(before => ({ past: { ...(before.past ?? NOTHING), ...lists }, failure: "", asking: false }));
      } catch (error) {
        if (signal.aborted) return;
        const away = error instanceof Refused && error.status === 503;
        const failure = away ? "away" : error instanceof Error ? error.message : String(error);
        set(before => ({ past: before.past, failure, asking: false }));
      }
    };
    const timer = setTimeout(() => void begin(), Math.max(0, lastAsked.current + APART_MS - Date.now()));
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [key, range, points, listed, round]);

  useEffect(catchUp, [device_id]);
  useLate(device_id, () => ask_(count => count + 1));
  // A failure is tried again: ClickHouse comes back.
  useEffect(() => {
    if (!state.failure) return undefined;
    return afterSeen(() => ask_(count => count + 1), SOON_MS);
  }, [state]);
  return state;
}

/** What changes lists, which people look at after they did something. */
const TOLD_SOON = new Set(["command", "control", "held", "device"]);

/** What was just said is stored a moment later; long ranges change more slowly than they are asked for. */
function useLate(device_id: string, again: () => void): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined,
      due = Infinity;
    const goOn = (isHeard: boolean) => {
      timer = undefined;
      due = Infinity;
      const shown: Shown = shownRange.value,
        now = Date.now() / 1000;
      if (shown.follows) shownRange.value = { from: shown.from + now - shown.to, to: now, follows: true };
      else if (isHeard) again();
    };
    const plan = (pause: number, isHeard = true) => {
      if (due <= Date.now() + pause) return;
      clearTimeout(timer);
      due = Date.now() + pause;
      timer = setTimeout(() => goOn(isHeard), pause);
    };
    // What happened just before somebody came is not stored yet. Of a range that has ended nothing is missing.
    plan(SOON_MS, false);
    const stop = listen(event => {
      if (!("device_id" in event) || event.device_id !== device_id || document.hidden) return;
      const length = shownRange.value.to - shownRange.value.from,
        pause = TOLD_SOON.has(event.event) ? SOON_MS : Math.max(SOON_MS, Math.min(60_000, length * 1.5));
      plan(pause);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [device_id]);
}
