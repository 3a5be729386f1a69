// How the service did over time: throughput, latencies, journal, ClickHouse, disk.
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { SystemMetrics } from "../api/types";
import { query } from "../api/client";
import { latest, milliseconds, series } from "../compute/metrics";
import { bytes, number, t } from "../text";
import { TimePlot } from "../view/TimePlot";
import { useAsk } from "../view/useAsk";

const SPANS = { h1: "-1h", d1: "-24h", w1: "-7d" } as const,
  POINTS = 144;
type Span = keyof typeof SPANS;

function time(value: number): string {
  const { count, digits, unit } = milliseconds(value);
  return `${number(count, digits)} ${unit}`;
}

export function Metrics(): VNode {
  const { metrics: texts } = t(),
    [span, choose] = useState<Span>("d1"),
    { value, failure } = useAsk<SystemMetrics>(`/system-metrics${query({ from: SPANS[span], points: POINTS })}`, 30_000);
  const drawn = useMemo(() => (value ? series(value) : null), [value]);
  const range = value ? { from: Date.parse(value.from) / 1000, to: Date.parse(value.to) / 1000 } : { from: 0, to: 1 };
  const last = value ? latest(value.points) : {};
  const fact = (name: string, known: number | null | undefined, words: (value: number) => string) =>
    known == null ? null : (
      <>
        <dt>{name}</dt>
        <dd>{words(known)}</dd>
      </>
    );
  return (
    <section class="panel" aria-labelledby="metrics">
      <div class="row spread">
        <h2 id="metrics">{texts.title}</h2>
        <div role="group" aria-label={t().room.range} class="choices">
          {(Object.keys(SPANS) as Span[]).map(key => (
            <button key={key} aria-pressed={key === span} onClick={() => choose(key)}>
              {t().room.ranges[key]}
            </button>
          ))}
        </div>
      </div>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {value && !value.points.length ? <p class="quiet">{texts.nothing}</p> : null}
      {drawn?.times.length ? (
        <>
          <dl class="facts wide-facts">
            {fact(texts.readingToRow, last.reading_to_row_ms, time)}
            {fact(texts.rowDelay, last.row_delay_ms, time)}
            {fact(texts.decision, last.decision_ms, time)}
            {fact(texts.inference, last.inference_ms, time)}
            {fact(texts.memory, last.database_memory_bytes, bytes)}
            {fact(texts.onDisk, last.database_disk_bytes, bytes)}
            {fact(texts.free, last.disk_free_bytes, bytes)}
          </dl>
          <div class="pair">
            <TimePlot
              label={texts.throughput}
              times={drawn.times}
              range={range}
              lines={drawn.throughput(texts)}
              words={v => number(v, v < 10 ? 1 : 0)}
            />
            <TimePlot label={texts.latency} times={drawn.times} range={range} lines={drawn.latency(texts)} words={time} />
            <TimePlot
              label={texts.journal}
              times={drawn.times}
              range={range}
              lines={drawn.journal(texts)}
              words={bytes}
              binary
              most={1 << 20}
            />
            <TimePlot label={texts.memory} times={drawn.times} range={range} lines={drawn.memory(texts)} words={bytes} binary />
          </div>
        </>
      ) : null}
    </section>
  );
}
