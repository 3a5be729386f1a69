// How a version does: is it as sure as it is right, how much people correct it, what its predictions rest on.
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import { part, query } from "../api/client";
import type { Model, ModelQuality } from "../api/types";
import { days, inPlot, PLOT } from "../compute/quality";
import { number, percent, t } from "../text";
import { Table } from "../view/Table";
import { TimePlot } from "../view/TimePlot";
import { useAsk } from "../view/useAsk";

const PERIODS = { m1: "-30d", m3: "-90d", y1: "-365d" } as const;
type Period = keyof typeof PERIODS;

const { width, height, left, top, right, bottom } = PLOT;

function Reliability({ quality }: { quality: ModelQuality }): VNode {
  const { quality: texts } = t(),
    bins = quality.reliability,
    name = (bin: (typeof bins)[number]) => `${percent(bin.from * 100)} – ${percent(bin.to * 100)}`;
  return (
    <figure class="reliability">
      <figcaption>
        <strong>{texts.reliability}</strong> <span class="quiet">{texts.reliabilityWhy}</span>
      </figcaption>
      <svg viewBox={`0 0 ${width} ${height}`} role="img" aria-label={texts.reliabilityOf(number(quality.decisions))}>
        {[0, 0.5, 1].map(share => (
          <g key={share}>
            <line class="grid" x1={left} x2={width - right} y1={inPlot(0, share).y} y2={inPlot(0, share).y} />
            <line class="grid" y1={top} y2={height - bottom} x1={inPlot(share, 0).x} x2={inPlot(share, 0).x} />
            <text x={left - 6} y={inPlot(0, share).y + 4} text-anchor="end">
              {percent(share * 100)}
            </text>
            <text x={inPlot(share, 0).x} y={height - bottom + 16} text-anchor={share === 1 ? "end" : "middle"}>
              {percent(share * 100)}
            </text>
          </g>
        ))}
        <line class="ideal" x1={inPlot(0, 0).x} y1={inPlot(0, 0).y} x2={inPlot(1, 1).x} y2={inPlot(1, 1).y} />
        <text class="axis" x={(left + width - right) / 2} y={height - 4} text-anchor="middle">
          {texts.confidence}
        </text>
        {bins.map(bin => {
          const middle = (bin.from + bin.to) / 2,
            { x, y } = inPlot(middle, bin.kept);
          return (
            <g key={bin.from}>
              <line class="whisker" x1={x} x2={x} y1={inPlot(0, bin.kept_at_least).y} y2={inPlot(0, bin.kept_at_most).y} />
              <circle cx={x} cy={y} r={4} />
            </g>
          );
        })}
      </svg>
      <details>
        <summary>{t().plot.table(texts.reliability)}</summary>
        <Table
          label={texts.reliability}
          rows={bins}
          keyOf={name}
          columns={[
            { head: texts.confidence, cell: name },
            { head: texts.decisions, cell: bin => number(bin.decisions), kind: "number" },
            { head: texts.kept, cell: bin => percent(bin.kept * 100), kind: "number" },
            {
              head: texts.interval,
              cell: bin => `${percent(bin.kept_at_least * 100)} – ${percent(bin.kept_at_most * 100)}`,
              kind: "number",
            },
          ]}
        />
      </details>
    </figure>
  );
}

function Contributions({ quality }: { quality: ModelQuality }): VNode | null {
  const { quality: texts } = t(),
    sizes = quality.contributions;
  if (!sizes) return null;
  const rows = (["temperature", "humidity", "sound"] as const).map(name => ({ name, size: sizes[name] })),
    most = Math.max(1, ...rows.map(({ size }) => size));
  return (
    <figure>
      <figcaption>
        <strong>{texts.contributions}</strong> <span class="quiet">{texts.contributionsWhy}</span>
      </figcaption>
      <dl class="sizes">
        {rows.map(({ name, size }) => (
          <div key={name}>
            <dt>{t().quantity[name] ?? name}</dt>
            <dd>
              <svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
                <rect width={(100 * size) / most} height="8" />
              </svg>
              <span>{t().model.points(number(size, 1))}</span>
            </dd>
          </div>
        ))}
      </dl>
    </figure>
  );
}

export function Quality({ models }: { models: readonly Model[] }): VNode | null {
  const { quality: texts } = t(),
    serving = models.find(({ serves }) => serves) ?? models[0];
  const [chosen, choose] = useState<string | null>(null),
    [period, last] = useState<Period>("m1");
  const version = chosen ?? serving?.version ?? null;
  const { value, failure } = useAsk<ModelQuality>(
    version === null ? null : `/models/${part(version)}/quality${query({ from: PERIODS[period] })}`,
    60_000,
  );
  const drawn = useMemo(() => (value ? days(value) : null), [value]);
  if (version === null) return null;
  return (
    <section class="panel stack" aria-labelledby="quality">
      <div class="row spread">
        <h2 id="quality">{texts.title}</h2>
        <div class="row">
          {models.length > 1 ? (
            <select aria-label={t().model.version} value={version} onChange={event => choose(event.currentTarget.value)}>
              {models.map(model => (
                <option key={model.version} value={model.version}>
                  {model.version}
                </option>
              ))}
            </select>
          ) : null}
          <div role="group" aria-label={t().room.range} class="choices">
            {(Object.keys(PERIODS) as Period[]).map(key => (
              <button key={key} aria-pressed={key === period} onClick={() => last(key)}>
                {texts.period[key]}
              </button>
            ))}
          </div>
        </div>
      </div>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {value && value.version === version ? (
        <>
          <p class="quiet" data-quality={version}>
            {value.predictions
              ? texts.summary(number(value.predictions), number(value.decisions), number(value.corrected))
              : texts.nothing}
          </p>
          {value.predictions || value.decisions ? (
            <div class="pair">
              {value.decisions ? <Reliability quality={value} /> : <p class="quiet">{texts.notJudged}</p>}
              <Contributions quality={value} />
              {drawn && value.decisions ? (
                <>
                  <TimePlot
                    daily
                    label={texts.correction}
                    times={drawn.times}
                    range={drawn.range}
                    words={points => number(points, 1)}
                    most={5}
                    lines={[{ label: texts.correctionLine, values: drawn.correction }]}
                  />
                  <TimePlot
                    daily
                    label={texts.corrected}
                    times={drawn.times}
                    range={drawn.range}
                    words={count => number(count)}
                    most={4}
                    lines={[
                      { label: texts.corrected, values: drawn.corrected },
                      { label: texts.decisions, values: drawn.decisions },
                    ]}
                  />
                </>
              ) : null}
              {drawn ? (
                <TimePlot
                  daily
                  label={texts.meanConfidence}
                  times={drawn.times}
                  range={drawn.range}
                  words={share => percent(share * 100)}
                  most={1}
                  lines={[{ label: texts.meanConfidence, values: drawn.confidence }]}
                />
              ) : null}
            </div>
          ) : null}
        </>
      ) : failure ? null : (
        <p class="quiet" role="status">
          {t().loading}
        </p>
      )}
    </section>
  );
}
