// What clips sounded like, over the range of the charts: a heat map of mel bands or of coefficients. Asked for when it is opened.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, part, query } from "../api/client";
import type { History, HistoryPoint, SpectrumHistory } from "../api/types";
import { heat } from "../compute/heat";
import { loudestBand, spectrumCells } from "../compute/spectrum";
import { colours } from "../state/colours";
import { dateTime, number, t } from "../text";
import { inks } from "./plots";
import type { Shown } from "./range";

const COEFFICIENTS = Array.from({ length: 12 }, (_, at) => at + 1),
  COLUMNS = 160;

type Kind = "mel" | "mfcc";

/** A map as it is drawn. Rows are from the lowest; NaN is a hole. */
interface Drawn {
  cells: Float32Array[];
  shown: Shown;
  /** What a row is called. */
  row: (at: number) => string;
  /** The value of a cell in words; empty where none is told. */
  value: (share: number) => string;
  /** The names beside the map, from above. */
  scale: string[];
  summary: string;
}

const ends = ({ from, to }: Shown) => ({ from: new Date(from * 1000).toISOString(), to: new Date(to * 1000).toISOString() });

const hertz = (value: number) => (value < 1_000 ? `${number(value)} Hz` : `${number(value / 1_000, 1)} kHz`);

async function loadMel(device_id: string, shown: Shown, signal: AbortSignal): Promise<Drawn | null> {
  const path = `/devices/${part(device_id)}/spectrum${query({ ...ends(shown), points: COLUMNS })}`,
    { rows, interval_s, bands_hertz } = await ask<SpectrumHistory>(path, { signal });
  const cells = spectrumCells(rows, interval_s, shown.from, shown.to, COLUMNS),
    loudest = loudestBand(rows);
  if (!cells || loudest === null) return null;
  const name = (band: number) => hertz(bands_hertz[band] ?? 0),
    last = cells.bands.length - 1;
  return {
    cells: cells.bands,
    shown,
    row: name,
    value: share => `${number(cells.low + share * (cells.high - cells.low))} dB`,
    scale: [name(last), name(Math.round(last / 2)), name(0)],
    summary: t().sound.summary(name(loudest), number(cells.low), number(cells.high)),
  };
}

async function loadMfcc(device_id: string, shown: Shown, signal: AbortSignal): Promise<Drawn | null> {
  const rows: HistoryPoint[][] = [];
  // In threes: the service answers four questions at a time.
  for (let at = 0; at < COEFFICIENTS.length; at += 3) {
    const some = COEFFICIENTS.slice(at, at + 3).map(coefficient =>
      ask<History>(
        `/devices/${part(device_id)}/history${query({ quantity: `mfcc_${coefficient}`, ...ends(shown), points: COLUMNS })}`,
        { signal },
      ),
    );
    rows.push(...(await Promise.all(some)).map(({ points }) => points));
  }
  if (rows.every(points => !points.length)) return null;
  return {
    cells: heat(rows, shown.from, shown.to, COLUMNS),
    shown,
    row: at => `MFCC ${at + 1}`,
    value: () => "",
    scale: ["12", "6", "1"],
    summary: t().room.mapWhy,
  };
}

function draw(canvas: HTMLCanvasElement, cells: readonly Float32Array[]): void {
  canvas.width = COLUMNS;
  canvas.height = cells.length;
  const context = canvas.getContext("2d")!;
  context.fillStyle = inks().accent;
  cells.forEach((row, at) =>
    row.forEach((value, column) => {
      if (Number.isNaN(value)) return;
      context.globalAlpha = 0.04 + 0.94 * value;
      context.fillRect(column, cells.length - 1 - at, 1, 1);
    }),
  );
}

/** What stands under the pointer. */
function under({ cells, shown, row, value }: Drawn, event: PointerEvent): string {
  const canvas = event.currentTarget as HTMLCanvasElement,
    column = Math.floor((COLUMNS * event.offsetX) / canvas.clientWidth),
    at = cells.length - 1 - Math.floor((cells.length * event.offsetY) / canvas.clientHeight),
    share = cells[at]?.[column];
  if (share === undefined || Number.isNaN(share)) return "";
  const time = shown.from + ((column + 0.5) / COLUMNS) * (shown.to - shown.from);
  return [row(at), value(share), dateTime(time * 1000)].filter(Boolean).join(" · ");
}

export function SoundMap({ device_id, shown }: { device_id: string; shown: Shown }): VNode {
  const [open, show] = useState(false),
    [kind, choose] = useState<Kind>("mel"),
    [drawn, set] = useState<Drawn | null | undefined>(undefined),
    [failure, fail] = useState("");
  const canvas = useRef<HTMLCanvasElement>(null),
    readout = useRef<HTMLSpanElement>(null),
    look = colours.value,
    { sound: texts } = t();
  useEffect(() => {
    if (!open) return undefined;
    const controller = new AbortController();
    (kind === "mel" ? loadMel : loadMfcc)(device_id, shown, controller.signal).then(
      found => (set(found), fail("")),
      (error: unknown) => controller.signal.aborted || fail(error instanceof Error ? error.message : String(error)),
    );
    return () => controller.abort();
  }, [open, kind, device_id, shown]);
  useEffect(() => {
    if (drawn && canvas.current) draw(canvas.current, drawn.cells);
  }, [drawn, look]);
  const point = (text: string) => readout.current && (readout.current.textContent = text);
  return (
    <details class="map" onToggle={event => show(event.currentTarget.open)}>
      <summary>{t().room.map}</summary>
      <div class="row">
        <div role="group" aria-label={t().room.map} class="choices">
          {(["mel", "mfcc"] as const).map(key => (
            <button key={key} aria-pressed={key === kind} onClick={() => (set(undefined), choose(key))}>
              {texts[key]}
            </button>
          ))}
        </div>
        <span class="readout" ref={readout} />
      </div>
      <p class="quiet keys">{kind === "mel" ? texts.melWhy : t().room.mapWhy}</p>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {drawn === null ? <p class="quiet">{texts.nothing}</p> : null}
      {drawn ? (
        <div class="cells" data-map={kind}>
          <div class="scale" aria-hidden="true">
            {drawn.scale.map(name => (
              <span key={name}>{name}</span>
            ))}
          </div>
          <canvas
            ref={canvas}
            role="img"
            aria-label={drawn.summary}
            onPointerMove={event => point(under(drawn, event))}
            onPointerLeave={() => point("")}
          />
        </div>
      ) : null}
      {drawn && kind === "mel" ? <p class="quiet">{drawn.summary}</p> : null}
    </details>
  );
}
