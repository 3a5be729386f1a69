// Fingers on the charts: one moves them in time, two zoom. Up and down stays the page's. A touch is its element's until it ends, so
// that nothing has to be captured; a tap is a click of the chart's.
import { useMemo } from "preact/hooks";
import { dragged } from "../compute/history";
import { catchUp, show, shownRange } from "./range";

/** Where a chart's time axis lies within the charts. */
const PLOT = ".u-over",
  /** How far a finger goes before it is no tap any more, pixels. */
  SLACK_PX = 8;

interface Handlers {
  onPointerDown: (event: PointerEvent) => void;
  onPointerMove: (event: PointerEvent) => void;
  onPointerUp: (event: PointerEvent) => void;
  onPointerCancel: (event: PointerEvent) => void;
}

/** What the element around the charts needs. A mouse and a pen draw a stretch to zoom in to, which is the charts' own. */
export function touches(): Handlers {
  const fingers = new Map<number, number>();
  let down = { x: 0, y: 0 },
    drags = false;
  const shareOf = (event: PointerEvent): number | null => {
    const plot = (event.currentTarget as Element).querySelector(PLOT)?.getBoundingClientRect();
    return plot?.width ? (event.clientX - plot.left) / plot.width : null;
  };
  const begin = () => {
    drags = true;
    catchUp();
  };
  const lift = (event: PointerEvent) => void fingers.delete(event.pointerId);
  return {
    onPointerDown: event => {
      if (event.pointerType !== "touch") return;
      // The first finger: of those before, whatever ended them did not come here, as where the charts vanished below them.
      if (event.isPrimary) {
        fingers.clear();
        drags = false;
        down = { x: event.clientX, y: event.clientY };
      }
      const share = shareOf(event);
      if (share === null || fingers.size > 1) return;
      fingers.set(event.pointerId, share);
      if (fingers.size > 1 && !drags) begin();
    },
    onPointerMove: event => {
      const share = fingers.has(event.pointerId) ? shareOf(event) : null;
      if (share === null) return;
      if (!drags) {
        const [across, along] = [Math.abs(event.clientX - down.x), Math.abs(event.clientY - down.y)];
        if (across < SLACK_PX || across <= along) return;
        begin();
      }
      const before = [...fingers.values()];
      fingers.set(event.pointerId, share);
      show(dragged(shownRange.value, before, [...fingers.values()], Date.now() / 1000));
    },
    onPointerUp: lift,
    onPointerCancel: lift,
  };
}

export const useTouch = (): Handlers => useMemo(touches, []);
