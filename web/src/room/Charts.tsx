// All charts of a room, on one time axis that pointer and keyboard move.
import type { VNode } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { DeviceView } from "../api/types";
import { later, pan, zoom, type Aligned, type Range } from "../compute/history";
import { around, marksOf, ongoing, SPAN_KINDS, spansOf, type Mark, type Span } from "../compute/spans";
import { quantities } from "../state/devices";
import { dateTime, day, number, t } from "../text";
import { say } from "../view/sentences";
import { Chart, type Pointed } from "./Chart";
import { PREDICTIONS, PREDICTIONS_S, type Asked, type Past } from "./histories";
import { HistoryTable } from "./HistoryTable";
import { choose, nameOfRange, rangeOf, RANGES, shownRange, step, type RangeName, type Shown } from "./range";
import type { Drawn } from "./plots";
import { windowState } from "../view/describe";
import { SoundMap } from "./SoundMap";
import { useTouch } from "./touch";

const nowS = () => Date.now() / 1000;

/** What stands above the window, which is to be seen without scrolling. */
const FIRST = 2;

/** The series that a device's charts need, in their order. */
export function seriesOf(device: DeviceView): string[] {
  const measured = quantities.value.filter(({ quantity }) => device.readings[quantity]).map(({ quantity }) => quantity as string);
  const heard = device.clip?.level_dbfs != null ? ["sound_level"] : [];
  const moves = windowState(device).known ? ["position", "commanded"] : [];
  return [...measured.slice(0, FIRST), ...moves, ...measured.slice(FIRST), ...heard];
}

interface Story {
  marks: Mark[];
  spans: Span[];
}

const NO_STORY: Story = { marks: [], spans: [] };

/** Longer ranges have neither marks nor stretches, s. */
const STORY_S = RANGES.m1 * 1.1;

/** What happened in a range. The list holds the newest events only: over a long range they would show a crowd at its end. */
function storyOf({ listed, events, cut }: Past, device: DeviceView): Story {
  if (!listed || listed.to - listed.from > STORY_S) return NO_STORY;
  const from = cut.events ? Date.parse(events.at(-1)!.timestamp) / 1000 : listed.from;
  const reachesNow = listed.to > nowS() - 60;
  return { marks: marksOf(events), spans: spansOf(events, { from, to: listed.to }, reachesNow ? ongoing(device) : null) };
}

/** What the charts leave out over so long a range, or where there is too much of it. */
function leftOut({ listed, events, predictions, cut }: Past, hasWindow: boolean): string[] {
  if (!listed) return [];
  const { room } = t(),
    length = listed.to - listed.from,
    found: string[] = [];
  if (length > STORY_S) found.push(room.leftOut.story(number(Math.floor(STORY_S / 86_400))));
  else if (cut.events) found.push(room.leftOut.events(dateTime(events.at(-1)!.timestamp)));
  if (hasWindow && length > PREDICTIONS_S) found.push(room.leftOut.predictions(number(PREDICTIONS_S / 86_400)));
  else if (cut.predictions) found.push(room.leftOut.older(number(PREDICTIONS), dateTime(predictions.at(-1)!.timestamp)));
  return found;
}

/** What was drawn of a series, so that one that comes later leaves the others alone. */
const drawnBefore = new WeakMap<Aligned, Drawn>();

function drawnOf(past: Past, names: readonly string[], { marks, spans }: Story): Drawn[] {
  const told = past.series.get("commanded");
  return names.flatMap(name => {
    const main = past.series.get(name);
    if (!main || name === "commanded") return [];
    const more: Pick<Drawn, "told" | "predictions"> =
      name === "position" ? { predictions: past.predictions, ...(told ? { told } : {}) } : {};
    const before = drawnBefore.get(main);
    const isSame = before?.marks === marks && before.spans === spans;
    if (isSame && before.told === more.told && before.predictions === more.predictions) return [before];
    const drawn: Drawn = { name, main, marks, spans, ...more };
    drawnBefore.set(main, drawn);
    return [drawn];
  });
}

/** How wide the charts are, in whole pixels. */
function useWidth(): [number, (element: HTMLElement | null) => void] {
  const [width, setWidth] = useState(0),
    observer = useRef<ResizeObserver | undefined>(undefined);
  const attach = useMemo(
    () => (element: HTMLElement | null) => {
      observer.current?.disconnect();
      if (!element) return;
      observer.current = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
      observer.current.observe(element);
    },
    [],
  );
  return [width, attach];
}

const PANNED = 0.5,
  ZOOMED = 0.5;
/** Where zooming leaves what is seen: at now, or in the middle. */
const fixed = ({ follows }: Shown): number => (follows ? 1 : 0.5);

/** What moves the range without a keyboard. */
const STEPS = [
  ["‹", "earlier", (range: Shown, now: number) => pan(range, -PANNED, now)],
  ["›", "later", (range: Shown, now: number) => later(range, PANNED, now)],
  ["+", "closer", (range: Shown, now: number) => zoom(range, ZOOMED, now, fixed(range))],
  ["−", "wider", (range: Shown, now: number) => zoom(range, 1 / ZOOMED, now, fixed(range))],
] as const;

/** The same by keys. */
const KEYS: Record<string, (range: Shown, now: number) => Range> = {
  ArrowLeft: (range, now) => pan(range, -0.2, now),
  ArrowRight: (range, now) => later(range, 0.2, now),
  "+": (range, now) => zoom(range, 0.6, now, fixed(range)),
  "=": (range, now) => zoom(range, 0.6, now, fixed(range)),
  "-": (range, now) => zoom(range, 1 / 0.6, now, fixed(range)),
  Home: (range, now) => pan(range, Infinity, now),
};

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const go = Object.hasOwn(KEYS, event.key) ? KEYS[event.key] : undefined;
  if (!go) return;
  event.preventDefault();
  step(go);
}

function Bar({ ahead }: { ahead: (range: Shown) => void }): VNode {
  const range = shownRange.value,
    name = nameOfRange(range),
    { room } = t();
  return (
    <div class="range">
      <div role="group" aria-label={room.range} class="choices">
        {(Object.keys(RANGES) as RangeName[]).map(key => (
          <button
            key={key}
            aria-pressed={key === name && range.follows}
            onPointerEnter={() => ahead(rangeOf(key))}
            onFocus={() => ahead(rangeOf(key))}
            onClick={() => choose(key)}
          >
            {room.ranges[key]}
          </button>
        ))}
      </div>
      <div role="group" aria-label={room.step} class="choices steps">
        {STEPS.map(([sign, what, go]) => (
          <button
            key={sign}
            aria-label={room.steps[what]}
            title={room.steps[what]}
            data-step={what}
            aria-disabled={what === "later" && range.follows}
            onClick={() => step(go)}
          >
            {sign}
          </button>
        ))}
      </div>
      {range.follows ? null : <button onClick={() => step((range, now) => pan(range, Infinity, now))}>{room.nowButton}</button>}
      <span class="quiet span" title={`${day(range.from * 1000)} – ${day(range.to * 1000)}`}>
        {dateTime(range.from * 1000)} – {range.follows ? t().now : dateTime(range.to * 1000)}
      </span>
    </div>
  );
}

export const pointsFor = (width: number): number => Math.min(1_200, Math.max(120, Math.round(width / 1.5)));

/** What the stretches mean, and what the pointer is on. */
function Legend({ spans, tell }: { spans: readonly Span[]; tell: (element: HTMLElement | null) => void }): VNode {
  const kinds = SPAN_KINDS.filter(kind => spans.some(span => span.kind === kind));
  return (
    <p class="legend">
      {kinds.map(kind => (
        <span key={kind} class={`swatch of-${kind}`}>
          {t().room.spans[kind]}
        </span>
      ))}
      <span class="pointed" ref={tell} />
    </p>
  );
}

function eventWords({ event, detail }: Mark): string {
  const name = t().room.event[event] ?? event.replaceAll("_", " ");
  return detail ? `${name}: ${say(detail)}` : name;
}

interface Props {
  device: DeviceView;
  /** The series, in their order. */
  names: readonly string[];
  asked: Asked;
  /** Asks ahead for a range. */
  ahead: (range: Shown) => void;
  measure: (width: number) => void;
}

export function Charts({ device, names, asked: { past, failure, asking }, ahead, measure }: Props): VNode {
  const [width, attach] = useWidth(),
    touch = useTouch();
  useEffect(() => measure(width), [width]);
  const { control, health } = device,
    still = JSON.stringify([control?.override?.since, control?.interlocks.length, health.state]);
  const story = useMemo(() => (past ? storyOf(past, device) : NO_STORY), [past?.listed, past?.events, still]);
  const drawn = useMemo(() => (past ? drawnOf(past, names, story) : []), [past, story]);
  const shown = shownRange.value,
    anything = drawn.some(({ main }) => main.times.length);
  const told = useRef<HTMLElement | null>(null),
    latest = useRef(story);
  latest.current = story;
  const pointed: Pointed = at => {
    if (!told.current) return;
    const here = at && around(at.time, at.near, latest.current.spans, latest.current.marks);
    const spans = here?.spans.map(({ kind, detail }) =>
      detail ? `${t().room.spans[kind]}: ${say(detail)}` : t().room.spans[kind],
    );
    told.current.textContent = here ? [...new Set([...here.marks.map(eventWords), ...spans!])].join(" · ") : "";
  };
  return (
    <section aria-labelledby="charts" class="panel charts">
      <h2 id="charts">{t().room.charts}</h2>
      <Bar ahead={ahead} />
      {failure ? (
        <p class="notice" role="status">
          {failure === "away" ? t().room.away : t().failed(failure)}
        </p>
      ) : null}
      {past && !anything && !asking && !failure ? <p class="quiet">{t().room.noHistory}</p> : null}
      <div
        ref={attach}
        class={failure ? "plots old" : "plots"}
        role="group"
        aria-label={t().room.charts}
        aria-describedby="chart-keys"
        tabIndex={0}
        onKeyDown={onKey}
        {...touch}
      >
        {width && anything
          ? drawn.map((one, at) => (
              <Chart key={one.name} drawn={one} shown={shown} width={width} lowest={at === drawn.length - 1} pointed={pointed} />
            ))
          : null}
      </div>
      <Legend spans={story.spans} tell={element => (told.current = element)} />
      {past?.listed
        ? leftOut(past, names.includes("position")).map(words => (
            <p key={words} class="quiet left-out">
              {words}
            </p>
          ))
        : null}
      {past && anything ? <HistoryTable series={past.series} names={names} shown={shown} /> : null}
      {device.clip && width ? <SoundMap device_id={device.device_id} shown={shown} /> : null}
      <p id="chart-keys" class="quiet keys">
        {t().room.keys}
      </p>
    </section>
  );
}
