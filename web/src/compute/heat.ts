// A heat map's cells: a row for each series, each on its own scale. Pure.
import type { HistoryPoint } from "../api/types";

/** A map of `columns` × rows: 0 the least of its row, 1 the most, NaN where nothing was measured. Rows are in the order given. */
export function heat(rows: readonly (readonly HistoryPoint[])[], from: number, to: number, columns: number): Float32Array[] {
  return rows.map(points => {
    const sums = new Float32Array(columns),
      counts = new Uint16Array(columns);
    for (const { time, mean } of points) {
      const column = Math.floor((columns * (Date.parse(time) / 1000 - from)) / (to - from));
      if (mean == null || column < 0 || column >= columns) continue;
      sums[column]! += mean;
      counts[column]! += 1;
    }
    const cells = sums.map((sum, column) => (counts[column] ? sum / counts[column]! : NaN));
    const known = cells.filter(value => !Number.isNaN(value));
    const least = Math.min(...known),
      most = Math.max(...known);
    return cells.map(value => (Number.isNaN(value) ? NaN : most > least ? (value - least) / (most - least) : 0.5));
  });
}
