// Stretches of a room's time that have a reason: a person's wish, a safety rule, a device that was away. Pure.
import type { DeviceView } from "../api/types";
import type { Range } from "./history";

export const SPAN_KINDS = ["hand", "rule", "away"] as const;
export type SpanKind = (typeof SPAN_KINDS)[number];

/** A stretch, in seconds, and what was said of it. */
export interface Span extends Range {
  kind: SpanKind;
  detail: string;
}

/** Something that happened at one time, s. */
export interface Mark {
  time: number;
  event: string;
  detail: string;
  /** Whether something was wrong. */
  bad: boolean;
}

/** An event, as the API lists it. */
export interface Happened {
  timestamp: string;
  event: string;
  detail: string;
}

const BEGINS: Record<string, SpanKind> = {
  override_begun: "hand",
  moved_by_hand: "hand",
  interlock: "rule",
  offline: "away",
  inactive: "away",
};
const ENDS: Record<string, SpanKind> = { override_ended: "hand", interlock_over: "rule", online: "away" };
const WELL = new Set(["registered", "recovered", "config_applied", "override_begun", "moved_by_hand", ...Object.keys(ENDS)]);

const seconds = (timestamp: string) => Date.parse(timestamp) / 1000;

/** Each event where it happened. */
export const marksOf = (events: readonly Happened[]): Mark[] =>
  events.map(({ timestamp, event, detail }) => ({ time: seconds(timestamp), event, detail, bad: !WELL.has(event) }));

/** What goes on now, and since when, s. */
export type Ongoing = Partial<Record<SpanKind, number>>;

export function ongoing({ control, health }: Pick<DeviceView, "control" | "health">): Ongoing {
  const away = health.state === "offline" || health.state === "stale";
  const rule = control?.interlocks.length ? (control.command?.origin === "interlock" ? seconds(control.command.at) : 0) : null;
  return {
    ...(control?.override ? { hand: seconds(control.override.since) } : {}),
    ...(rule === null ? {} : { rule }),
    ...(away && health.since ? { away: seconds(health.since) } : {}),
  };
}

interface Running {
  from: number;
  depth: number;
  detail: string;
}

/**
 * The stretches of a range. One that ends there without having begun there began before it, but for a device that was heard of for
 * the first time; one that begins and does not end lasts
 * until the range does, unless the range reaches to now and `now` does not know of it.
 */
export function spansOf(events: readonly Happened[], { from, to }: Range, now: Ongoing | null): Span[] {
  const inOrder = [...events].sort((one, other) => seconds(one.timestamp) - seconds(other.timestamp));
  return SPAN_KINDS.flatMap(kind => {
    const done: Span[] = [];
    let running = null as Running | null,
      any = false;
    for (const { timestamp, event, detail } of inOrder) {
      const time = seconds(timestamp);
      if (BEGINS[event] === kind) {
        // Several rules may hold at a time; a person's wish takes the place of the one before.
        if (running && kind === "hand") {
          done.push({ kind, from: running.from, to: time, detail: running.detail });
          running = null;
        }
        running = running ? { ...running, depth: running.depth + Number(kind === "rule") } : { from: time, depth: 1, detail };
      } else if (ENDS[event] === kind && running) {
        running.depth -= 1;
        if (running.depth > 0) continue;
        done.push({ kind, from: running.from, to: time, detail: running.detail });
        running = null;
      } else if (ENDS[event] === kind && !any && kind !== "away") {
        done.push({ kind, from, to: time, detail: "" });
      } else continue;
      any = true;
    }
    if (running && (!now || now[kind] !== undefined)) done.push({ kind, from: running.from, to, detail: running.detail });
    else if (!running && now?.[kind] !== undefined && now[kind] < to)
      done.push({ kind, from: Math.max(from, now[kind], done.at(-1)?.to ?? from), to, detail: "" });
    return done.filter(span => span.to > span.from);
  });
}

/** What was going on at a time, and what happened within `near` seconds of it. */
export function around(
  time: number,
  near: number,
  spans: readonly Span[],
  marks: readonly Mark[],
): { spans: Span[]; marks: Mark[] } {
  return {
    spans: spans.filter(span => span.from <= time && time <= span.to),
    marks: marks.filter(mark => Math.abs(mark.time - time) <= near),
  };
}
