// The stretch of time that all charts of a room show.
import { signal } from "@preact/signals";
import type { Range } from "../compute/history";
import { prefer, preference } from "../state/preferences";

export const RANGES = { h1: 3_600, h6: 21_600, d1: 86_400, w1: 604_800, m1: 2_678_400, y1: 31_622_400 } as const;
export type RangeName = keyof typeof RANGES;

/** The beginning and end, and whether the end goes along with the time. */
export interface Shown extends Range {
  follows: boolean;
}

const nowS = () => Date.now() / 1000;

/** The range of that name until now. */
export function rangeOf(name: RangeName): Shown {
  const to = nowS();
  return { from: to - RANGES[name], to, follows: true };
}

/** What the viewer chose last, if it is one; a day where they never did. */
const chosen = (): RangeName | null => {
  const name = preference("range").value;
  return name && name in RANGES ? (name as RangeName) : null;
};

export const shownRange = signal<Shown>(rangeOf(chosen() ?? "d1"));

/** Where nobody chose, as much as there is of a device that is new: an hour in a day is a line at its edge. */
export function chooseFor(registered_at: string | null | undefined): void {
  if (chosen()) return;
  const age = registered_at ? nowS() - Date.parse(registered_at) / 1000 : Infinity;
  shownRange.value = rangeOf(age < 2 * RANGES.h1 ? "h1" : age < 1.5 * RANGES.h6 ? "h6" : "d1");
}

/** Shows a stretch; one that reaches to now goes along with it. */
export function show(range: Range): void {
  const now = nowS();
  shownRange.value = { ...range, follows: range.to >= now - (range.to - range.from) * 0.002 - 1 };
}

export function choose(name: RangeName): void {
  prefer("range", name);
  shownRange.value = rangeOf(name);
}

/** The name of a range of this length; undefined for any other. */
export function nameOfRange({ from, to }: Range): RangeName | undefined {
  return (Object.keys(RANGES) as RangeName[]).find(name => Math.abs(RANGES[name] - (to - from)) < 2);
}

/** A range that goes along with the time catches up with it. */
export function catchUp(): void {
  const { from, to, follows } = shownRange.value,
    now = nowS();
  if (follows && now - to > 1) shownRange.value = { from: from + now - to, to: now, follows };
}

/** Goes on from what is shown, caught up before: the end of one that follows may be seconds ago, and would not be now any more. */
export function step(to: (range: Shown, now: number) => Range): void {
  catchUp();
  show(to(shownRange.value, nowS()));
}
