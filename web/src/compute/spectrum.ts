// The cells of a heat map of mel bands, all on one scale. Pure.
import type { Spectrum } from "../api/types";

export interface Cells {
  /** A row for each band, the lowest first; 0 the quietest, 1 the loudest, NaN where nothing was heard. */
  bands: Float32Array[];
  /** The ends of the scale, dB. */
  low: number;
  high: number;
}

/** How far spectra usually lie apart, ms. */
function usualStep(times: readonly number[], least: number): number {
  const steps = times.slice(1).map((time, at) => time - times[at]!);
  steps.sort((one, other) => one - other);
  return Math.max(least, steps[Math.floor(steps.length / 2)] ?? least);
}

/** A spectrum stands until the next one, for three usual steps at most. `from` and `to` in seconds. */
export function spectrumCells(
  rows: readonly Spectrum[],
  interval_s: number,
  from: number,
  to: number,
  columns: number,
): Cells | null {
  const heard = rows.filter(({ mel_db }) => mel_db.length);
  if (!heard.length) return null;
  const count = Math.max(...heard.map(({ mel_db }) => mel_db.length)),
    times = heard.map(({ time }) => Date.parse(time)),
    longest = 3 * usualStep(times, interval_s * 1000);
  const levels = heard.flatMap(({ mel_db }) => mel_db).sort((one, other) => one - other);
  // A few empty bands do not take all of the scale.
  const low = levels[Math.floor(levels.length * 0.05)]!,
    high = levels.at(-1)!,
    share = (level: number) => (high > low ? Math.min(1, Math.max(0, (level - low) / (high - low))) : 0.5);
  const bands = Array.from({ length: count }, () => new Float32Array(columns).fill(NaN));
  const column = (time: number) => (columns * (time / 1000 - from)) / (to - from);
  heard.forEach(({ mel_db }, at) => {
    const end = Math.min(times[at + 1] ?? Infinity, times[at]! + (at + 1 < heard.length ? longest : interval_s * 1000));
    const first = Math.max(0, Math.floor(column(times[at]!))),
      last = Math.min(columns, Math.max(first + 1, Math.ceil(column(end))));
    mel_db.forEach((level, band) => bands[band]!.fill(share(level), first, last));
  });
  return { bands, low, high };
}

/** The band that was loudest on average. */
export function loudestBand(rows: readonly Spectrum[]): number | null {
  const sums: number[] = [];
  for (const { mel_db, clips } of rows) mel_db.forEach((level, band) => (sums[band] = (sums[band] ?? 0) + level * clips));
  return sums.length ? sums.indexOf(Math.max(...sums)) : null;
}
