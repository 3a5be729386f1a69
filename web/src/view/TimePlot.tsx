// A small chart over time with up to three lines that differ by more than their colour, and the same numbers as a table.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { inks } from "../room/plots";
import { colours } from "../state/colours";
import { clock, dateTime, day, t } from "../text";
import { Table } from "./Table";

export interface PlotLine {
  label: string;
  values: readonly (number | null | undefined)[];
}

interface Props {
  label: string;
  /** Seconds. */
  times: readonly number[];
  lines: readonly PlotLine[];
  /** The ends of the axis, s. */
  range: { from: number; to: number };
  words: (value: number) => string;
  /** Whether each value stands for a day. */
  daily?: boolean;
  /** The most that the axis reaches to at least. */
  most?: number;
  /** Whether values are bytes, which are divided by powers of two. */
  binary?: boolean;
}

const POWERS_OF_TWO = Array.from({ length: 48 }, (_, power) => 2 ** power);
const HEIGHT = 140,
  DASHES = [[], [5, 4], [1.5, 3]];

function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map(time => {
    const date = new Date(time * 1000),
      midnight = date.getHours() === 0 && date.getMinutes() === 0;
    return step >= 86_400 || midnight ? day(date).replace(/[ ,]*\d{4}$/, "") : clock(date);
  });
}

function options(
  { lines, range, words, most, daily, binary }: Props,
  width: number,
  cursor: (at: number | null) => void,
): uPlot.Options {
  const ink = inks(),
    strokes = [ink.accent, ink.ink, ink.soft],
    grid = { stroke: ink.line, width: 1 },
    axis = { stroke: ink.soft, font: "12px system-ui, sans-serif", grid, ticks: { show: false } };
  return {
    width,
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 26, 0, 0],
    cursor: { drag: { x: false, y: false }, points: { size: 7 }, y: false },
    scales: {
      x: { time: true, range: [range.from, range.to] },
      y: { range: (_, __, highest) => [0, Math.max(most ?? 0, (highest ?? 0) * 1.1) || 1] },
    },
    axes: [
      { ...axis, size: 28, values: timeLabels, space: 70 },
      { ...axis, size: 74, values: (_, splits) => splits.map(words), space: 34, ...(binary ? { incrs: POWERS_OF_TWO } : {}) },
    ],
    series: [
      {},
      ...lines.map((_, at) => ({
        stroke: strokes[at % 3]!,
        width: at ? 1.3 : 1.7,
        dash: DASHES[at % 3]!,
        // Without a word, points are drawn where they are few.
        points: daily ? { show: true, size: 5, fill: strokes[at % 3]! } : { size: 4 },
      })),
    ],
    hooks: { setCursor: [plot => cursor(plot.cursor.idx ?? null)] },
  };
}

/** How a line looks, beside its name. */
function Key({ at }: { at: number }): VNode {
  return (
    <svg class={`key key-${at % 3}`} viewBox="0 0 24 6" aria-hidden="true">
      <line x1="0" x2="24" y1="3" y2="3" stroke-dasharray={DASHES[at % 3]!.join(" ")} />
    </svg>
  );
}

export function TimePlot(props: Props): VNode {
  const { label, times, lines, range, words, daily } = props,
    box = useRef<HTMLDivElement>(null),
    [width, measure] = useState(0),
    [at, point] = useState<number | null>(null),
    [open, show] = useState(false),
    look = colours.value;
  useEffect(() => {
    const observer = new ResizeObserver(([entry]) => measure(Math.floor(entry!.contentRect.width)));
    observer.observe(box.current!);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    if (!width) return undefined;
    const columns = lines.map(({ values }) => values.map(value => value ?? null));
    const plot = new uPlot(options(props, width, point), [[...times], ...columns] as uPlot.AlignedData, box.current!);
    return () => plot.destroy();
  }, [width, times, lines, range.from, range.to, look]);
  const when = (time: number) => (daily ? day(time * 1000) : dateTime(time * 1000)),
    value = (line: PlotLine, place: number) => {
      const found = line.values[place];
      return found == null ? "–" : words(found);
    };
  const under = at !== null && times[at] !== undefined ? at : null;
  return (
    <figure class="timeplot">
      <figcaption>
        <strong>{label}</strong>
        {lines.map((line, place) => (
          <span key={line.label} class="quiet">
            {lines.length > 1 ? <Key at={place} /> : null} {lines.length > 1 ? line.label : ""}
            {under === null ? "" : ` ${value(line, under)}`}
          </span>
        ))}
        {under === null ? null : <span class="quiet">{when(times[under]!)}</span>}
      </figcaption>
      <div ref={box} aria-hidden="true" class="plot" />
      <details onToggle={event => show(event.currentTarget.open)}>
        <summary>{t().plot.table(label)}</summary>
        {open ? (
          <div class="rows" tabIndex={0} role="region" aria-label={label}>
            <Table
              label={label}
              rows={times.map((_, place) => times.length - 1 - place)}
              keyOf={String}
              empty={t().plot.nothing}
              columns={[
                { head: daily ? t().plot.day : t().plot.time, cell: place => when(times[place]!) },
                ...lines.map(line => ({
                  head: line.label,
                  cell: (place: number) => value(line, place),
                  kind: "number" as const,
                })),
              ]}
            />
          </div>
        ) : null}
      </details>
    </figure>
  );
}
