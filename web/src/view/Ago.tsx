import { computed } from "@preact/signals";
import type { VNode } from "preact";
import { useContext, useMemo } from "preact/hooks";
import { now } from "../state/clock";
import { ago, dateTime, left } from "../text";
import { Near } from "./near";

/** A text about a time that changes with the clock, where it can be seen; elsewhere as it is when it is drawn. */
function useClock(time: string, text: (time: string, now: number) => string): string {
  const near = useContext(Near),
    ticking = useMemo(() => computed(() => text(time, now.value)), [time]);
  return near.value ? ticking.value : text(time, now.peek());
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
