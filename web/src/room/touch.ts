// Fingers on the charts: one moves them in time, two zoom. Up and down stays the page's. A touch is its element's until it ends, so
// that nothing has to be captured; a tap is a click of the chart's.
import { useRef } from "preact/hooks";
import { dragged } from "../compute/history";
import { show, shownRange } from "./range";

/** Where a chart's time axis lies within the charts. */
const PLOT = ".u-over";

interface Handlers {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
  onPointerCancel: (event: PointerEvent) => void;
}

/** What the element around the charts needs. A mouse draws a stretch to zoom in to, which is the charts' own. */
export function useTouch(): Handlers {
  const fingers = useRef(new Map<number, number>());
  const shareOf = (event: PointerEvent): number | null => {
    const plot = (event.currentTarget as Element).querySelector(PLOT)?.getBoundingClientRect();
    return plot?.width ? (event.clientX - plot.left) / plot.width : null;
  };
  const lift = (event: PointerEvent) => void fingers.current.delete(event.pointerId);
  return {
    onPointerDown: event => {
      const share = event.pointerType === "mouse" ? null : shareOf(event);
      if (share === null || fingers.current.size > 1) return;
      fingers.current.set(event.pointerId, share);
    },
    onPointerMove: event => {
      const share = fingers.current.has(event.pointerId) ? shareOf(event) : null;
      if (share === null) return;
      const before = [...fingers.current.values()];
      fingers.current.set(event.pointerId, share);
      show(dragged(shownRange.value, before, [...fingers.current.values()], Date.now() / 1000));
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  };
}
