// Each move with its reason and what weighed, and what happened to the device.
import type { VNode } from "preact";
import type { Command, Contributions as PointsOf, DeviceEvent } from "../api/types";
import { dateTime, number, percent, sure, t } from "../text";
import { eventWords, guardWords, whyMoved } from "../view/sentences";
import { LISTED } from "./histories";

interface Listed<R> {
  rows: readonly R[];
  /** Whether there may be more of them in the range than were asked for. */
  cut: boolean;
  /** How many are shown. */
  most: number;
  more: () => void;
}

/** The way to more of a list; where it holds as many as it can, how to see what is earlier. */
function Further({ rows, cut, most, more }: Listed<unknown>): VNode | null {
  if (rows.length <= most && !cut) return null;
  return most < LISTED.at(-1)! ? (
    <button onClick={more}>{t().more}</button>
  ) : (
    <p class="quiet">{t().room.listCut(number(rows.length))}</p>
  );
}

/** What weighed, in points: bars to both sides of nothing. */
function Contributions({ points }: { points: PointsOf }): VNode {
  const { temperature, humidity, sound } = points,
    parts = { temperature, humidity, sound };
  const entries = Object.entries(parts).sort(([, one], [, other]) => Math.abs(other) - Math.abs(one));
  const most = Math.max(...entries.map(([, value]) => Math.abs(value)), 1);
  return (
    <dl class="contributions" aria-label={t().room.contributions}>
      {entries.map(([name, value]) => (
        <div key={name}>
          <dt>{t().quantity[name] ?? name}</dt>
          <dd>
            <svg viewBox="-50 0 100 8" preserveAspectRatio="none" aria-hidden="true">
              <rect x={value < 0 ? (50 * value) / most : 0} y="1" width={(50 * Math.abs(value)) / most} height="6" />
            </svg>
            {value > 0 ? "+" : ""}
            {number(value, 1)}
          </dd>
        </div>
      ))}
    </dl>
  );
}

export function Moves(listed: Listed<Command>): VNode {
  const { room, wish } = t(),
    { rows: commands, most } = listed;
  return (
    <section class="panel" aria-labelledby="moves">
      <h2 id="moves">{room.moves}</h2>
      {commands.length ? null : <p class="quiet">{room.noMoves}</p>}
      <ol class="moves" tabIndex={0} aria-labelledby="moves">
        {commands.slice(0, most).map(command => (
          <li key={command.command_id + command.timestamp}>
            <p>
              <time dateTime={command.timestamp}>{dateTime(command.timestamp)}</time>{" "}
              <strong>{command.position == null ? "–" : percent(command.position)}</strong>{" "}
              <span class="badge">{room.origin[command.origin || (command.model_version ? "model" : "")] ?? command.origin}</span>
            </p>
            <p class="why">
              {whyMoved(command)}
              {command.confidence != null && command.model_version ? ` · ${wish.sure(sure(command.confidence))}` : ""}
            </p>
            {command.contributions ? <Contributions points={command.contributions} /> : null}
            {guardWords(command) ? <p class="quiet guard">{guardWords(command)}</p> : null}
          </li>
        ))}
      </ol>
      <Further {...listed} />
    </section>
  );
}

export function Happened(listed: Listed<DeviceEvent>): VNode {
  const { room } = t(),
    { rows: events, most } = listed;
  return (
    <section class="panel" aria-labelledby="happened">
      <h2 id="happened">{room.happened}</h2>
      {events.length ? null : <p class="quiet">{room.nothingHappened}</p>}
      <ol class="moves" tabIndex={0} aria-labelledby="happened">
        {events.slice(0, most).map(event => (
          <li key={event.timestamp + event.event}>
            <p>
              <time dateTime={event.timestamp}>{dateTime(event.timestamp)}</time>{" "}
              <strong>{room.event[event.event] ?? event.event.replaceAll("_", " ")}</strong>
            </p>
            {event.detail ? <p class="why">{eventWords(event.event, event.detail)}</p> : null}
          </li>
        ))}
      </ol>
      <Further {...listed} />
    </section>
  );
}
