// Devices for whole tables: what happens in quick succession is drawn together, once a second, where a card is drawn at once.
import { effect } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import type { DeviceView } from "../api/types";
import { devices, outlines } from "./devices";

export const APART_MS = 1_000;

/** Shows every device: at once where others are there or other things are wrong, else once a second at most. Returns how to stop. */
export function calmly(show: (devices: readonly DeviceView[]) => void): () => void {
  let drawn = 0,
    timer: ReturnType<typeof setTimeout> | undefined;
  const draw = () => {
    clearTimeout(timer);
    timer = undefined;
    drawn = Date.now();
    show(devices.peek());
  };
  const stops = [
    effect(() => {
      void outlines.value;
      draw();
    }),
    effect(() => {
      void devices.value;
      timer ??= setTimeout(draw, Math.max(0, drawn + APART_MS - Date.now()));
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    clearTimeout(timer);
  };
}

/** Every device as it was a second ago at most; who is there, and what is wrong, as it is now. */
export function useCalmDevices(): readonly DeviceView[] {
  const [shown, show] = useState<readonly DeviceView[]>(devices.peek());
  useEffect(() => calmly(show), []);
  return shown;
}
