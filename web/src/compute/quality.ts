// How a version of the model does, as charts need it. Pure.
import type { ModelQuality } from "../api/types";

/** The measures of the reliability diagram. */
export const PLOT = { width: 360, height: 260, left: 52, top: 8, right: 12, bottom: 40 } as const;

/** The place of a confidence and a share, each 0 to 1, in the diagram. */
export function inPlot(confidence: number, share: number): { x: number; y: number } {
  const { width, height, left, top, right, bottom } = PLOT;
  return { x: left + confidence * (width - left - right), y: height - bottom - share * (height - top - bottom) };
}

const DAY_S = 86_400;

/** Columns by day, over the whole period. */
export function days({ days: rows, from, to }: ModelQuality): {
  times: number[];
  range: { from: number; to: number };
  confidence: (number | null)[];
  correction: (number | null)[];
  corrected: number[];
  decisions: number[];
} {
  const begin = Math.floor(Date.parse(from) / 1000 / DAY_S) * DAY_S;
  return {
    times: rows.map(({ time }) => Date.parse(time) / 1000),
    range: { from: begin, to: Date.parse(to) / 1000 },
    confidence: rows.map(({ confidence }) => confidence ?? null),
    correction: rows.map(({ correction }) => correction ?? null),
    corrected: rows.map(({ corrected }) => corrected),
    decisions: rows.map(({ decisions }) => decisions),
  };
}
