// uPlot's options: quiet lines on one time axis, over the stretches and marks of what happened.
import uPlot from "uplot";
import type { PastPrediction } from "../api/types";
import { band80 } from "../compute/certainty";
import type { Aligned } from "../compute/history";
import type { Mark, Span, SpanKind } from "../compute/spans";
import { shown } from "../compute/units";
import { clock, day, number, temperatureUnit } from "../text";

export interface Drawn {
  name: string;
  main: Aligned;
  /** Where the window was told to go, on the same scale. */
  told?: Aligned;
  predictions?: readonly PastPrediction[];
  marks: readonly Mark[];
  spans: readonly Span[];
}

interface Ink {
  accent: string;
  ink: string;
  soft: string;
  line: string;
  warn: string;
}

export function inks(): Ink {
  const style = getComputedStyle(document.documentElement);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  return { accent: of("accent"), ink: of("ink"), soft: of("soft"), line: of("line"), warn: of("warn") };
}

/** Column data: of what is drawn twice, both on the union of their times. */
export function data(drawn: Drawn): uPlot.AlignedData {
  const unit = temperatureUnit.value;
  const convert = (column: (number | null)[]) =>
    drawn.name === "temperature" && unit === "F"
      ? column.map(value => (value === null ? null : shown(drawn.name, value, "", unit).value))
      : column;
  const { times, mean, min, max } = drawn.main;
  const own: uPlot.AlignedData = [times, convert(max), convert(min), convert(mean)];
  if (drawn.name !== "position") return own;
  const { told } = drawn;
  return uPlot.join([own, [told?.times ?? [], told?.mean ?? []]], [[1, 1, 1], [1]]);
}

const FONT = "12px system-ui, sans-serif";

/** A label for each place on the time axis; the day where it changes. */
function timeLabels(_: uPlot, splits: number[], __: number, ___: number, step: number): string[] {
  return splits.map(time => {
    const date = new Date(time * 1000);
    const midnight = date.getHours() === 0 && date.getMinutes() === 0;
    return step >= 86_400 || midnight ? day(date).replace(/[ ,]*\d{4}$/, "") : clock(date);
  });
}

function range(name: string): uPlot.Scale.Range {
  if (name === "position") return [-4, 104];
  return (_, least, most) => {
    if (least == null || most == null) return [0, 1];
    const room = Math.max((most - least) * 0.12, Math.abs(most) * 0.004, 0.05);
    return [least - room, most + room];
  };
}

export interface Hooks {
  select: (from: number, to: number) => void;
  cursor: (index: number | null, plot: uPlot) => void;
}

/** The options of a chart. What is drawn changes while they stay: `latest` says what it is. */
export function options(
  name: string,
  latest: () => Drawn,
  size: { width: number; height: number },
  lowest: boolean,
  hooks: Hooks,
  ink = inks(),
): uPlot.Options {
  const isWindow = name === "position";
  const step = isWindow ? { paths: uPlot.paths.stepped!({ align: 1 }) } : {};
  const edge: uPlot.Series = { show: true, stroke: "transparent", width: 0, points: { show: false }, ...step };
  const grid = { stroke: ink.line, width: 1 };
  const series: uPlot.Series[] = [
    {},
    edge,
    edge,
    {
      stroke: ink.accent,
      width: 1.6,
      points: { show: false },
      ...step,
      ...(isWindow ? { fill: `color-mix(in srgb, ${ink.accent} 14%, transparent)`, fillTo: 0 } : {}),
    },
  ];
  if (isWindow) series.push({ stroke: ink.ink, width: 1.2, dash: [4, 3], points: { show: false }, spanGaps: true, ...step });
  return {
    ...size,
    legend: { show: false },
    padding: [8, 14, 0, 0],
    cursor: { sync: { key: "room" }, drag: { x: true, y: false, setScale: false }, points: { size: 7 }, y: false },
    scales: { x: { time: true }, y: { range: range(name) } },
    axes: [
      {
        show: true,
        stroke: ink.soft,
        font: FONT,
        grid,
        ticks: { show: false },
        size: lowest ? 28 : 6,
        values: lowest ? timeLabels : () => [],
        space: 70,
      },
      {
        stroke: ink.soft,
        font: FONT,
        grid,
        ticks: { show: false },
        size: 60,
        values: (_, splits) => splits.map(value => number(value, digitsOf(splits))),
        space: 34,
      },
    ],
    series,
    bands: isWindow ? [] : [{ series: [1, 2], fill: `color-mix(in srgb, ${ink.accent} 16%, transparent)` }],
    hooks: {
      setSelect: [
        plot =>
          plot.select.width > 8 &&
          hooks.select(plot.posToVal(plot.select.left, "x"), plot.posToVal(plot.select.left + plot.select.width, "x")),
      ],
      setCursor: [plot => hooks.cursor(plot.cursor.idx ?? null, plot)],
      drawClear: [plot => drawSpans(plot, latest().spans, ink)],
      drawAxes: [plot => drawMarks(plot, latest().marks, ink)],
      draw: isWindow ? [plot => drawPredictions(plot, latest().predictions ?? [], ink)] : [],
    },
  };
}

function digitsOf(splits: number[]): number {
  const step = Math.abs((splits[1] ?? 1) - (splits[0] ?? 0));
  return step >= 1 ? 0 : step >= 0.1 ? 1 : 2;
}

/** The colour of a stretch: of what was done, of what was not allowed, of what is not known. */
export const spanInk = (kind: SpanKind, ink: Ink): string => ({ hand: ink.accent, rule: ink.warn, away: ink.soft })[kind];

function drawSpans(plot: uPlot, spans: readonly Span[], ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { from, to, kind } of spans) {
    const left = Math.max(bbox.left, plot.valToPos(from, "x", true)),
      right = Math.min(bbox.left + bbox.width, plot.valToPos(to, "x", true));
    if (right <= left) continue;
    ctx.fillStyle = spanInk(kind, ink);
    ctx.globalAlpha = 0.1;
    ctx.fillRect(left, bbox.top, right - left, bbox.height);
    // Its beginning and end, for whoever does not see the colour.
    ctx.globalAlpha = 0.75;
    ctx.fillRect(left, bbox.top, Math.max(right - left, devicePixelRatio), 3 * devicePixelRatio);
  }
  ctx.restore();
}

function drawMarks(plot: uPlot, marks: readonly Mark[], ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.lineWidth = devicePixelRatio;
  for (const { time, bad } of marks) {
    const x = Math.round(plot.valToPos(time, "x", true));
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.strokeStyle = bad ? ink.warn : ink.soft;
    ctx.setLineDash([2 * devicePixelRatio, 3 * devicePixelRatio]);
    ctx.globalAlpha = bad ? 0.8 : 0.5;
    ctx.beginPath();
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Each prediction as a bar over its 80 % band, with its position as a dot. */
function drawPredictions(plot: uPlot, predictions: readonly PastPrediction[], ink: Ink): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.fillStyle = ctx.strokeStyle = ink.accent;
  ctx.lineWidth = 2 * devicePixelRatio;
  ctx.setLineDash([]);
  for (const { timestamp, position, confidence } of predictions) {
    if (position == null) continue;
    const x = plot.valToPos(Date.parse(timestamp) / 1000, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const band = band80(position, confidence ?? 0);
    if (band) {
      ctx.globalAlpha = 0.22;
      ctx.beginPath();
      ctx.moveTo(x, plot.valToPos(band.low, "y", true));
      ctx.lineTo(x, plot.valToPos(band.high, "y", true));
      ctx.stroke();
    }
    ctx.globalAlpha = 0.9;
    ctx.beginPath();
    ctx.arc(x, plot.valToPos(position, "y", true), 1.7 * devicePixelRatio, 0, 7);
    ctx.fill();
  }
  ctx.restore();
}
