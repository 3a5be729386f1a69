import { expect, it } from "vitest";
import type { Finding, ModelQuality, Spectrum, SystemMetrics } from "../src/api/types";
import { attention } from "../src/compute/findings";
import { latest, milliseconds, series } from "../src/compute/metrics";
import { days, inPlot, PLOT } from "../src/compute/quality";
import { loudestBand, spectrumCells } from "../src/compute/spectrum";
import { trainingPath, usualVersion } from "../src/compute/training";

const spectrum = (second: number, mel_db: number[], clips = 1): Spectrum => ({
  time: new Date(second * 1000).toISOString(),
  clips,
  mel_db,
});

it("all bands of a map are on one scale, and a spectrum stands until the next", () => {
  const cells = spectrumCells([spectrum(0, [-60, -20]), spectrum(2, [-40, -30])], 1, 0, 4, 4)!;
  expect(cells.high).toBe(-20);
  expect([...cells.bands[0]!]).toEqual([0, 0, 0.5, NaN]);
  expect([...cells.bands[1]!]).toEqual([1, 1, 0.75, NaN]);
});

it("where nothing was heard for long there is a hole", () => {
  const rows = [0, 1, 2, 20, 21].map(second => spectrum(second, [-50, -40]));
  const [low] = spectrumCells(rows, 1, 0, 22, 22)!.bands;
  expect(Number.isNaN(low![4]!)).toBe(false);
  expect(Number.isNaN(low![10]!)).toBe(true);
  expect(Number.isNaN(low![20]!)).toBe(false);
});

it("without clips there is no map, and a single level is in the middle", () => {
  expect(spectrumCells([], 1, 0, 4, 4)).toBeNull();
  expect(spectrumCells([spectrum(0, [])], 1, 0, 4, 4)).toBeNull();
  expect(spectrumCells([spectrum(0, [-9])], 1, 0, 1, 1)!.bands[0]![0]).toBe(0.5);
});

it("the loudest band weighs clips", () => {
  expect(loudestBand([])).toBeNull();
  expect(loudestBand([spectrum(0, [-10, -60]), spectrum(1, [-90, -20], 9)])).toBe(1);
});

it("what is wrong stands before what is well, the worst first", () => {
  const of = (state: Finding["state"]) => ({ name: state, group: "host", state, summary: "", detail: null, remedy: null });
  const { first, rest } = attention((["ok", "warning", "skipped", "failed"] as const).map(of));
  expect(first.map(({ state }) => state)).toEqual(["failed", "warning"]);
  expect(rest.map(({ state }) => state)).toEqual(["ok", "skipped"]);
});

it("times are in units that people read", () => {
  expect(milliseconds(4.25)).toEqual({ count: 4.25, digits: 1, unit: "ms" });
  expect(milliseconds(0)).toEqual({ count: 0, digits: 0, unit: "ms" });
  expect(milliseconds(999)).toEqual({ count: 999, digits: 0, unit: "ms" });
  expect(milliseconds(1_500)).toEqual({ count: 1.5, digits: 1, unit: "s" });
  expect(milliseconds(180_000)).toEqual({ count: 3, digits: 0, unit: "min" });
});

const point = (second: number, more: object) =>
  ({
    time: new Date(second * 1000).toISOString(),
    messages_per_s: null,
    decision_ms: null,
    journal_bytes: 0,
    ...more,
  }) as SystemMetrics["points"][number];

it("a chart of the service has a hole where it did not run", () => {
  const metrics = {
    from: "",
    to: "",
    interval_s: 10,
    points: [point(0, { messages_per_s: 2 }), point(10, {}), point(100, { messages_per_s: 3 })],
  };
  const { times, throughput } = series(metrics);
  expect(times).toEqual([0, 10, 20, 100]);
  expect(throughput({ accepted: "a" } as never)[0]!.values).toEqual([2, null, null, 3]);
});

it("the newest known value counts, not one of long ago", () => {
  const points = [point(0, { decision_ms: 9 }), ...[1, 2, 3, 4, 5, 6].map(at => point(at, { messages_per_s: at }))];
  expect(latest(points).messages_per_s).toBe(6);
  expect(latest(points).decision_ms).toBeUndefined();
});

it("a reliability diagram begins at the lower left", () => {
  expect(inPlot(0, 0)).toEqual({ x: PLOT.left, y: PLOT.height - PLOT.bottom });
  expect(inPlot(1, 1)).toEqual({ x: PLOT.width - PLOT.right, y: PLOT.top });
});

it("days are drawn from the midnight of the first", () => {
  const quality = {
    from: "2026-05-01T12:00:00Z",
    to: "2026-05-03T00:00:00Z",
    days: [{ time: "2026-05-01T00:00:00Z", confidence: 0.5, correction: null, corrected: 0, decisions: 2, predictions: 3 }],
  } as unknown as ModelQuality;
  const drawn = days(quality);
  expect(drawn.range.from).toBe(Date.parse("2026-05-01T00:00:00Z") / 1000);
  expect(drawn.times[0]).toBe(drawn.range.from);
  expect(drawn.correction).toEqual([null]);
});

it("a version is named after the day, and never as another one", () => {
  const day = new Date("2026-05-01T10:00:00Z");
  expect(usualVersion([], day)).toBe("own-2026-05-01");
  expect(usualVersion(["own-2026-05-01", "own-2026-05-01.2"], day)).toBe("own-2026-05-01.3");
});

it("a learning curve fills its width when all passes are done", () => {
  expect(trainingPath([8, 4, 2], 3, 100, 24)).toBe("M0.00,0.00L50.00,12.00L100.00,18.00");
  expect(trainingPath([8, 4], 5, 100, 24)).toBe("M0.00,0.00L25.00,12.00");
  expect(trainingPath([0], 1, 100, 24)).toBe("M0.00,24.00");
});
