// What is drawn with each change: what can be seen, and what is about to be. The rest follows one by one, when nothing else is to be done.
import { signal, useComputed, type ReadonlySignal, type Signal } from "@preact/signals";
import { createContext } from "preact";
import { useEffect, useMemo, useRef } from "preact/hooks";

/** How far beyond the screen something counts as about to be seen. */
const MARGIN = "60% 0px",
  /** Of what is further away, one is drawn again each so often. */
  TURN_MS = 60,
  IDLE_MS = 1_000;

/** Whether what is there is seen, or about to be; and when it is drawn where it is not. */
export interface Around {
  near: ReadonlySignal<boolean>;
  /** Rises when it is its turn, while it is far away. */
  turn: ReadonlySignal<number>;
}

/** Where one stands: what nobody observes counts as seen. */
export const Near = createContext<Around>({ near: signal(true), turn: signal(0) });

interface Place extends Around {
  near: Signal<boolean>;
  turn: Signal<number>;
}

/** What a signal says: its newest where it can be seen, elsewhere what it was when it was its turn. */
export function seenOf<T>({ near, turn }: Around, of: ReadonlySignal<T>): T {
  if (near.value) return of.value;
  void turn.value;
  return of.peek();
}

const places = new Map<Element, Place>();
/** Those that are far away, whoever waits longest first. */
const far = new Set<Place>();
let observer: IntersectionObserver | null = null,
  timer: ReturnType<typeof setInterval> | undefined;

/** Does something when nothing else is to be done, so that scrolling goes first. */
export const idly = (work: () => void): void => {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(work, { timeout: IDLE_MS });
  else setTimeout(work);
};

function takeTurn(): void {
  const [next] = far;
  if (!next) return;
  far.delete(next);
  far.add(next);
  next.turn.value += 1;
}

function wind(): void {
  if (!far.size) {
    clearInterval(timer);
    timer = undefined;
  } else timer ??= setInterval(() => document.hidden || idly(takeTurn), TURN_MS);
}

function see(entries: IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting } of entries) {
    const place = places.get(target);
    if (!place) continue;
    place.near.value = isIntersecting;
    if (isIntersecting) far.delete(place);
    else far.add(place);
  }
  wind();
}

/** A value of which the newest is shown where it can be seen, with what observes where that is: for the element that shows it. */
export function useNear<T>(of: Signal<T>): { value: T; around: Around; box: (element: Element | null) => void } {
  // What nobody has looked at yet counts as seen.
  const place = useMemo<Place>(() => ({ near: signal(true), turn: signal(0) }), []),
    element = useRef<Element | null>(null);
  const box = useMemo(() => (next: Element | null) => void (element.current = next), []);
  useEffect(() => {
    const mine = element.current;
    if (!mine || !("IntersectionObserver" in globalThis)) return undefined;
    observer ??= new IntersectionObserver(see, { rootMargin: MARGIN });
    places.set(mine, place);
    observer.observe(mine);
    return () => {
      observer?.unobserve(mine);
      places.delete(mine);
      far.delete(place);
      wind();
    };
  }, []);
  const { value } = useComputed(() => seenOf(place, of));
  return { value, around: place, box };
}
