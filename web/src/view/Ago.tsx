import { useComputed } from "@preact/signals";
import type { VNode } from "preact";
import { now } from "../state/clock";
import { ago, dateTime, left } from "../text";

/** How long ago a time was; grows by itself. */
export function Ago({ time }: { time: string }): VNode {
  const text = useComputed(() => ago(time, Math.max(now.value, Date.parse(time))));
  return (
    <time dateTime={time} title={dateTime(time)}>
      {text.value}
    </time>
  );
}

/** How long it is until a time. */
export function Left({ time }: { time: string }): VNode {
  const text = useComputed(() => left(time, now.value));
  return (
    <time dateTime={time} title={dateTime(time)}>
      {text.value}
    </time>
  );
}
