// The stream of events, and whether it flows: a number that stands still has to look so.
import { computed, signal } from "@preact/signals";
import { ask } from "../api/client";
import type { Happening, ServiceHealth, Status } from "../api/types";
import { loadDevices, loaded, take } from "./devices";
import { greet } from "./session";

const KINDS = [
  "reading",
  "suspect",
  "clip",
  "command",
  "held",
  "withheld",
  "telemetry",
  "settings",
  "window",
  "device",
  "registry",
  "refused",
  "control",
] as const;
const AGAIN_MS = 2_000,
  STATUS_MS = 5_000,
  ANSWER_MS = 8_000,
  HEALTH_EVERY = 6,
  REST_AFTER_MS = 60_000;

/** Since when the stream is interrupted, ms; null while it flows. */
const broken = signal<number | null>(null);
const opened = signal(false);
const away = signal<number | null>(navigator.onLine ? null : Date.now());
const silent = signal(false);

export const status = signal<Status | null>(null);
export const health = signal<ServiceHealth | null>(null);

/** The line to the service. */
export const line = computed<{ state: "connecting" | "live" | "reconnecting" | "offline" | "silent"; since: number }>(() => {
  if (away.value !== null) return { state: "offline", since: away.value };
  if (broken.value !== null) return { state: "reconnecting", since: broken.value };
  if (silent.value) return { state: "silent", since: 0 };
  return { state: opened.value ? "live" : "connecting", since: 0 };
});

/** Whether what is shown is as new as it can be. */
export const isFresh = computed(() => line.value.state === "live" || line.value.state === "connecting");

const listeners = new Set<(event: Happening) => void>();

/** Hears each event; returns how to stop. */
export function listen(heard: (event: Happening) => void): () => void {
  listeners.add(heard);
  return () => void listeners.delete(heard);
}

type Told = Happening & { at?: string };

let waiting: Told[] = [];
let planned = false;

// A hidden page has no frames: there, a timer does.
function plan(): void {
  if (planned) return;
  planned = true;
  if (document.hidden) setTimeout(flush, 200);
  else requestAnimationFrame(flush);
}

function flush(): void {
  // What happens before everything is known waits for it.
  if (!loaded.value) {
    setTimeout(flush, 50);
    return;
  }
  const events = waiting;
  waiting = [];
  planned = false;
  take(events);
  for (const event of events) for (const heard of listeners) heard(event);
}

let source: EventSource | null = null;

function connect(): void {
  source?.close();
  const mine = (source = new EventSource("/api/v1/events"));
  for (const kind of KINDS) {
    mine.addEventListener(kind, ({ data }: MessageEvent<string>) => {
      waiting.push({ event: kind, ...(JSON.parse(data) as object) } as Told);
      plan();
    });
  }
  mine.addEventListener("reset", () => void loadDevices().catch(() => undefined));
  mine.addEventListener("open", () => {
    const wasBroken = broken.value !== null;
    opened.value = true;
    broken.value = null;
    // What happened between the answer to a question and the stream's beginning is in neither.
    void (wasBroken ? refresh() : loadDevices().catch(() => undefined));
  });
  mine.addEventListener("error", () => {
    broken.value ??= Date.now();
    // A browser tries again by itself, but not after an answer that says no.
    if (mine.readyState === EventSource.CLOSED) setTimeout(() => source === mine && void again(), AGAIN_MS);
  });
}

async function again(): Promise<void> {
  try {
    await greet();
  } catch {
    // Told below: connecting fails, too.
  }
  connect();
}

/** Asks for everything again. */
async function refresh(): Promise<void> {
  await Promise.allSettled([loadDevices(), look(), greet()]);
}

let looks = 0;

async function look(): Promise<void> {
  try {
    status.value = await ask<Status>("/status", { limit: ANSWER_MS });
    silent.value = false;
    if (looks++ % HEALTH_EVERY === 0) health.value = await ask<ServiceHealth>("/health");
  } catch {
    silent.value = true;
  }
}

// A browser opens six connections to a service: pages that nobody looks at give theirs back after a while.
function restWhileHidden(): void {
  let timer: ReturnType<typeof setTimeout> | undefined,
    rests = false;
  document.addEventListener("visibilitychange", () => {
    clearTimeout(timer);
    if (document.hidden) {
      timer = setTimeout(() => {
        rests = true;
        source?.close();
        source = null;
      }, REST_AFTER_MS);
    } else if (rests) {
      rests = false;
      connect();
      void refresh();
    }
  });
}

/** Starts to listen; for as long as the page is open. */
export function start(): void {
  connect();
  restWhileHidden();
  void look();
  let looking = false;
  setInterval(async () => {
    if (looking || document.hidden) return;
    looking = true;
    await look();
    looking = false;
  }, STATUS_MS);
  window.addEventListener("offline", () => (away.value = Date.now()));
  window.addEventListener("online", () => {
    away.value = null;
    if (source?.readyState !== EventSource.OPEN) connect();
  });
}
