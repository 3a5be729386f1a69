// The last hours of a quantity in a few pixels: the mean as a line, the lowest and highest as a band. Asked for when it is seen.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, part } from "../api/client";
import type { History } from "../api/types";
import { spark } from "../compute/history";
import { t } from "../text";
import { nameOf, valueOf } from "./describe";
import { idly } from "./near";

const POINTS = 72,
  FRESH_MS = 5 * 60_000,
  AFTER_FAILURE_MS = 20_000,
  MOST_AT_ONCE = 2,
  /** What is scrolled past is not asked for. */
  DWELL_MS = 250;

interface Known {
  drawn: ReturnType<typeof spark>;
  due: number;
}

const known = new Map<string, Known>();

const waiting: (() => Promise<void>)[] = [];
let asking = 0;

// Many rooms do not ask at once.
function next(): void {
  while (asking < MOST_AT_ONCE && waiting.length) {
    asking += 1;
    void waiting.shift()!().finally(() => {
      asking -= 1;
      next();
    });
  }
}

async function fill(key: string, device_id: string, quantity: string): Promise<void> {
  try {
    const { points, from, to } = await ask<History>(
      `/devices/${part(device_id)}/history?quantity=${part(quantity)}&from=-12h&points=${POINTS}`,
    );
    known.set(key, { drawn: spark(points, Date.parse(from) / 1000, Date.parse(to) / 1000), due: Date.now() + FRESH_MS });
  } catch {
    // What was drawn before stays: it says of itself where it ends.
    known.set(key, { drawn: known.get(key)?.drawn ?? null, due: Date.now() + AFTER_FAILURE_MS });
  }
}

export function Sparkline({ device_id, quantity }: { device_id: string; quantity: string }): VNode {
  const key = `${device_id} ${quantity}`,
    box = useRef<HTMLDivElement>(null);
  const [, show] = useState(0);
  useEffect(() => {
    let seen = false,
      asked = false,
      gone = false;
    const look = () => {
      if (!seen || asked || document.hidden || (known.get(key)?.due ?? 0) > Date.now()) return;
      asked = true;
      waiting.push(async () => {
        if (!gone && seen) await fill(key, device_id, quantity);
        asked = false;
        if (!gone) idly(() => gone || show(count => count + 1));
      });
      next();
    };
    let dwelling: ReturnType<typeof setTimeout> | undefined;
    const observer = new IntersectionObserver(entries => {
      seen = entries.at(-1)?.isIntersecting ?? false;
      clearTimeout(dwelling);
      if (seen) dwelling = setTimeout(look, DWELL_MS);
    });
    observer.observe(box.current!);
    const timer = setInterval(look, 10_000);
    return () => {
      gone = true;
      observer.disconnect();
      clearTimeout(dwelling);
      clearInterval(timer);
    };
  }, [key]);
  const drawn = known.get(key)?.drawn;
  return (
    <div ref={box} class="spark">
      {drawn ? (
        <svg
          viewBox="0 0 100 100"
          preserveAspectRatio="none"
          role="img"
          aria-label={t().home.sparkline(nameOf(quantity), valueOf(quantity, drawn.low), valueOf(quantity, drawn.high))}
        >
          <path class="band" d={drawn.band} />
          <path class="mean" d={drawn.line} />
        </svg>
      ) : null}
    </div>
  );
}
