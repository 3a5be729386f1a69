// One chart of a room, with what stands under the pointer in words.
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { extremes } from "../compute/history";
import { dateTime, number, percent, t, temperatureUnit } from "../text";
import { nameOf, valueOf } from "../view/describe";
import { colours } from "../state/colours";
import { data, options, type Drawn } from "./plots";
import { show, type Shown } from "./range";

const HEIGHT = 118,
  LOWEST_MORE = 22,
  /** How near to the pointer a mark counts as pointed at, px. */
  NEAR_PX = 6;

/** Where the pointer is: a time, and how many seconds around it are near; null where it is nowhere. */
export type Pointed = (at: { time: number; near: number } | null) => void;

interface Props {
  drawn: Drawn;
  shown: Shown;
  width: number;
  lowest: boolean;
  pointed: Pointed;
}

/** A value of a series in words. */
export function words(name: string, value: number): string {
  if (name === "position" || name === "commanded") return percent(value);
  if (name === "sound_level") return `${number(value)} dBFS`;
  return valueOf(name, value);
}

export function Chart({ drawn, shown, width, lowest, pointed }: Props): VNode {
  const box = useRef<HTMLDivElement>(null),
    readout = useRef<HTMLSpanElement>(null),
    plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(drawn);
  latest.current = drawn;
  const found = extremes(drawn.main, shown, drawn.name === "position");
  const summary = found ? `${words(drawn.name, found.least)} – ${words(drawn.name, found.most)}` : "";

  const cursor = (index: number | null, at: uPlot): void => {
    const { main, name, told } = latest.current,
      time = at.data[0][index ?? -1];
    const value = (series: typeof main) => {
      const place = time === undefined ? -1 : series.times.findLastIndex(other => other <= time);
      return series.mean[place];
    };
    const here = value(main),
      order = told && value(told);
    const ordered = order != null && order !== here ? ` · ${t().window.told(percent(order))}` : "";
    readout.current!.textContent =
      time !== undefined && here != null ? `${words(name, here)}${ordered} · ${dateTime(time * 1000)}` : "";
    const left = at.cursor.left ?? -1;
    const secondsAPixel = (at.scales["x"]!.max! - at.scales["x"]!.min!) / at.over.clientWidth;
    pointed(left >= 0 ? { time: at.posToVal(left, "x"), near: NEAR_PX * secondsAPixel } : null);
  };

  const fresh = useRef(false);
  const look = `${colours.value} ${temperatureUnit.value}`;
  useEffect(() => {
    const size = { width, height: HEIGHT + (lowest ? LOWEST_MORE : 0) };
    const hooks = { select: (from: number, to: number) => show({ from, to }), cursor };
    const made = (plot.current = new uPlot(
      options(drawn.name, () => latest.current, size, lowest, hooks),
      data(latest.current),
      box.current!,
    ));
    made.setScale("x", { min: shown.from, max: shown.to });
    fresh.current = true;
    return () => {
      made.destroy();
      plot.current = undefined;
    };
  }, [width, lowest, look]);
  // A new range is drawn at once with what is there; what belongs to it follows.
  useEffect(() => {
    if (!fresh.current) {
      plot.current?.batch(() => {
        plot.current!.setData(data(drawn));
        plot.current!.setScale("x", { min: shown.from, max: shown.to });
      });
    }
    fresh.current = false;
  }, [drawn]);
  useEffect(() => plot.current?.setScale("x", { min: shown.from, max: shown.to }), [shown]);

  return (
    <figure class="chart" data-chart={drawn.name} aria-label={`${t().room.chart(nameOf(drawn.name))} ${summary}`}>
      <figcaption>
        <strong>{nameOf(drawn.name)}</strong>{" "}
        <span class="quiet">
          {summary}
          {drawn.predictions?.length ? ` · ${t().room.band}` : ""}
        </span>
        <span class="readout" ref={readout} />
      </figcaption>
      <div ref={box} />
    </figure>
  );
}
