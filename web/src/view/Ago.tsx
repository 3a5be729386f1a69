import { computed, type ReadonlySignal } from "@preact/signals";
import type { VNode } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { now } from "../state/clock";
import { ago, dateTime, left } from "../text";
import { Near, seenOf, type Around } from "./near";

/** A text about a time that changes with the clock where it can be seen, and with each turn of what is around it elsewhere. */
export const clockText = (around: Around, text: (now: number) => string): ReadonlySignal<string> =>
  computed(() => text(seenOf(around, now)));

function useClock(time: string, text: (time: string, now: number) => string): string {
  const around = useContext(Near);
  return useMemo(() => clockText(around, now => text(time, now)), [around, time]).value;
}

/** How long ago a time was; grows by itself. */
export function Ago({ time }: { time: string }): VNode {
  const text = useClock(time, (time, now) => ago(time, Math.max(now, Date.parse(time))));
  return (
    <time dateTime={time} title={dateTime(time)}>
      {text}
    </time>
  );
}

/** How long it is until a time. */
export function Left({ time }: { time: string }): VNode {
  const text = useClock(time, left);
  return (
    <time dateTime={time} title={dateTime(time)}>
      {text}
    </time>
  );
}
