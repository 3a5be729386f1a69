// How the service did over time, as charts need it. Pure.
import type { SystemMetrics, SystemMetricsPoint } from "../api/types";

export interface MetricTexts {
  accepted: string;
  refused: string;
  readingToRow: string;
  decision: string;
  inference: string;
  waiting: string;
  memory: string;
}

type Line = { label: string; values: (number | null)[] };

/** A time that people read easily: milliseconds, seconds or minutes. */
export function milliseconds(value: number): { count: number; digits: number; unit: string } {
  if (value < 1_000) return { count: value, digits: value > 0 && value < 10 ? 1 : 0, unit: "ms" };
  if (value < 120_000) return { count: value / 1_000, digits: value < 10_000 ? 1 : 0, unit: "s" };
  return { count: value / 60_000, digits: 0, unit: "min" };
}

/** The newest value of each that is known, among the last few points. */
export function latest(points: readonly SystemMetricsPoint[]): Partial<SystemMetricsPoint> {
  return Object.assign(
    {},
    ...points.slice(-6).map(point => Object.fromEntries(Object.entries(point).filter(([, value]) => value !== null))),
  ) as Partial<SystemMetricsPoint>;
}

/** Columns, with a hole where the service did not run. */
export function series({ points, interval_s }: SystemMetrics): {
  times: number[];
  throughput: (texts: MetricTexts) => Line[];
  latency: (texts: MetricTexts) => Line[];
  journal: (texts: MetricTexts) => Line[];
  memory: (texts: MetricTexts) => Line[];
} {
  const times: number[] = [],
    rows: (SystemMetricsPoint | null)[] = [];
  for (const point of points) {
    const at = Date.parse(point.time) / 1000,
      before = times.at(-1);
    if (before !== undefined && at - before > 2.5 * interval_s) {
      times.push(before + interval_s);
      rows.push(null);
    }
    times.push(at);
    rows.push(point);
  }
  const column = (label: string, pick: (point: SystemMetricsPoint) => number | null | undefined): Line => ({
    label,
    values: rows.map(row => (row ? (pick(row) ?? null) : null)),
  });
  return {
    times,
    throughput: texts => [
      column(texts.accepted, point => point.messages_per_s),
      column(texts.refused, point => point.refused_per_s),
    ],
    latency: texts => [
      column(texts.readingToRow, point => point.reading_to_row_ms),
      column(texts.decision, point => point.decision_ms),
      column(texts.inference, point => point.inference_ms),
    ],
    journal: texts => [column(texts.waiting, point => point.journal_bytes)],
    memory: texts => [column(texts.memory, point => point.database_memory_bytes)],
  };
}
