// A window as it stands: the sash swings to where it reports, an outline shows where it was told to go.
import type { VNode } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { OPENING, pane, path, sash } from "../compute/window";
import { Near } from "./near";

const SWING_MS = 900;

/** The position on its way from where it was drawn to where it is. */
function useSwing(position: number): number {
  const [drawn, draw] = useState(position);
  const at = useRef(position),
    { near } = useContext(Near);
  useEffect(() => {
    const from = at.current;
    if (from === position) return;
    if (document.hidden || !near.peek() || matchMedia("(prefers-reduced-motion: reduce)").matches) {
      at.current = position;
      draw(position);
      return;
    }
    const start = performance.now();
    let frame = requestAnimationFrame(function step(time) {
      const share = Math.min(1, Math.max(0, (time - start) / SWING_MS));
      at.current = from + (position - from) * (1 - (1 - share) ** 3);
      draw(at.current);
      if (share < 1) frame = requestAnimationFrame(step);
    });
    return () => cancelAnimationFrame(frame);
  }, [position]);
  return drawn;
}

interface Seen {
  /** Where it reports to stand; null where it never said. */
  position: number | null;
  /** Where it was told to go; not drawn where it stands there. */
  target?: number | null;
  label: string;
  moving?: boolean;
  stuck?: boolean;
}

export function WindowPicture({ position, target, label, moving, stuck }: Seen): VNode {
  const at = useSwing(position ?? 0);
  const goes = target != null && Math.abs(target - (position ?? 0)) > 2;
  const { x, y, width, height } = OPENING;
  const kind = `window${position === null ? " unknown" : ""}${moving ? " moving" : ""}${stuck ? " stuck" : ""}`;
  return (
    <svg class={kind} viewBox="0 0 100 108" role="img" aria-label={label}>
      <rect class="sky" x={x} y={y} width={width} height={height} />
      <path
        class="hill"
        d={`M${x} ${y + height}V${y + height * 0.74}C${x + width * 0.3} ${y + height * 0.6} ${x + width * 0.55} ${y + height * 0.84} ${x + width} ${y + height * 0.66}V${y + height}Z`}
      />
      <path class="sash" d={path(sash(at))} />
      <path class="pane" d={path(pane(at))} />
      <path class="handle" d={handle(at)} />
      {goes ? <path class="target" d={path(sash(target))} /> : null}
      <rect class="frame" x={x} y={y} width={width} height={height} rx="1.5" />
      <path class="sill" d={`M${x - 8} ${y + height + 5}H${x + width + 8}`} />
    </svg>
  );
}

function handle(position: number): string {
  const [, upper, lower] = sash(position);
  const x = upper[0] - 3.2,
    middle = (upper[1] + lower[1]) / 2;
  return `M${x.toFixed(1)} ${middle.toFixed(1)}v7`;
}
