// How the service does: its parts, what it took in, what it refused and why.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../api/client";
import type { DeviceEvent, IngestError, Inspection, ServiceHealth, Status } from "../api/types";
import { Field } from "../settings/Field";
import { isFresh } from "../state/live";
import { isAdmin, isGuest } from "../state/session";
import { bytes, dateTime, number, t } from "../text";
import { valueOf } from "../view/describe";
import { eventWords, told, word } from "../view/sentences";
import { Table } from "../view/Table";
import { useAsk, useWork } from "../view/useAsk";
import { Doctor } from "./Doctor";
import { Metrics } from "./Metrics";
import "../style/insight.css";

const LOOK_MS = 3_000,
  ROWS = 50;

function Parts({ health }: { health: ServiceHealth }): VNode {
  const { system: texts } = t(),
    colour = { ok: "good", degraded: "warn", down: "bad" };
  return (
    <section class="panel" aria-labelledby="parts">
      <h2 id="parts">{texts.parts}</h2>
      <ul class="parts">
        {health.parts.map(({ name, state, reason }) => (
          <li key={name}>
            <span>{texts.part[name] ?? word(name)}</span>
            <span class={`badge ${colour[state]}`}>{texts[state]}</span>
            {reason ? <p class="why">{told(reason)}</p> : null}
          </li>
        ))}
      </ul>
    </section>
  );
}

const total = (messages: Record<string, number>) => Object.values(messages).reduce((sum, count) => sum + count, 0);

/** Messages a second, between two looks. */
function useRate(status: Status | null): number | null {
  const before = useRef<{ at: number; count: number } | null>(null),
    [rate, set] = useState<number | null>(null);
  useEffect(() => {
    if (!status) return;
    const now = { at: performance.now(), count: total(status.counters.messages) };
    // A restart counts from nothing again.
    if (before.current && now.count >= before.current.count)
      set((1000 * (now.count - before.current.count)) / Math.max(1, now.at - before.current.at));
    before.current = now;
  }, [status]);
  return rate;
}

function Numbers({ status }: { status: Status }): VNode {
  const { system: texts } = t(),
    rate = useRate(status),
    { counters } = status;
  const use = status.journal_max_bytes ? (100 * status.journal_bytes) / status.journal_max_bytes : 0;
  return (
    <section class="panel" aria-labelledby="numbers">
      <h2 id="numbers">{texts.numbers}</h2>
      <dl class="facts">
        <dt>{texts.messages}</dt>
        <dd>
          {number(total(counters.messages))}
          {rate === null ? "" : ` · ${texts.perSecond(number(rate, rate < 10 ? 1 : 0))}`}
        </dd>
        <dt>{texts.rows}</dt>
        <dd>{number(counters.rows_stored)}</dd>
        <dt>{texts.requests}</dt>
        <dd>{number(counters.inference_requests)}</dd>
        <dt>{texts.duplicates}</dt>
        <dd>{number(counters.duplicates)}</dd>
        <dt>{texts.refused}</dt>
        <dd>{number(counters.refused)}</dd>
        <dt>{texts.devices}</dt>
        <dd>{t().of(number(status.devices_active), number(status.devices))}</dd>
        <dt>{texts.version}</dt>
        <dd>{status.version}</dd>
        <dt>{texts.journal}</dt>
        <dd>
          {texts.journalUse(bytes(status.journal_bytes), bytes(status.journal_max_bytes))}
          {status.journal_records > 0 ? ` · ${texts.waiting(number(status.journal_records))}` : ""}
          <svg class="use" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect class="whole" width="100" height="4" />
            <rect class="part" width={Math.min(100, use)} height="4" />
          </svg>
        </dd>
      </dl>
    </section>
  );
}

function Refusals(): VNode {
  const { system: texts } = t(),
    { value, failure } = useAsk<IngestError[]>(`/ingest-errors?from=-7d&limit=${ROWS}`, 15_000);
  return (
    <section class="panel" aria-labelledby="refusals">
      <h2 id="refusals">{texts.refusals}</h2>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {value ? (
        <Table
          label={texts.refusals}
          rows={value}
          keyOf={row => `${row.received_at} ${row.topic} ${row.reason} ${row.first_bytes.slice(0, 40)}`}
          empty={texts.noRefusals}
          columns={[
            {
              head: texts.reason,
              cell: row => (
                <>
                  <span class="badge">{word(row.reason)}</span>
                  <br />
                  <small>{told(row.detail)}</small>
                </>
              ),
            },
            { head: texts.topic, cell: row => <code>{row.topic}</code> },
            { head: texts.begins, cell: row => <code>{row.first_bytes.slice(0, 160)}</code> },
            { head: texts.when, cell: row => dateTime(row.received_at) },
          ]}
        />
      ) : null}
    </section>
  );
}

function Events(): VNode {
  const { system: texts } = t(),
    { value, failure } = useAsk<DeviceEvent[]>(`/device-events?from=-7d&limit=${ROWS}`, 15_000);
  return (
    <section class="panel" aria-labelledby="events">
      <h2 id="events">{texts.events}</h2>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {value ? (
        <Table
          label={texts.events}
          rows={value}
          keyOf={row => `${row.timestamp} ${row.device_id} ${row.event} ${row.detail}`}
          empty={texts.noEvents}
          columns={[
            { head: texts.device, cell: row => <code>{row.device_id}</code> },
            {
              head: texts.event,
              cell: row => (
                <>
                  {t().room.event[row.event] ?? row.event.replaceAll("_", " ")}
                  {row.detail ? (
                    <>
                      <br />
                      <small>{eventWords(row.event, row.detail)}</small>
                    </>
                  ) : null}
                </>
              ),
            },
            { head: texts.when, cell: row => dateTime(row.timestamp) },
          ]}
        />
      ) : null}
    </section>
  );
}

function Check(): VNode {
  const { system: texts } = t(),
    { busy, failure, start } = useWork();
  const [topic, setTopic] = useState("sensor/living-room/temperature"),
    [payload, setPayload] = useState('{"value": 21.5, "timestamp": "2026-05-01T12:00:00Z"}');
  const [found, find] = useState<Inspection | null>(null);
  const send = (event: Event) => {
    event.preventDefault();
    find(null);
    void start(async () => find(await ask<Inspection>("/check-message", { method: "POST", body: { topic, payload } })));
  };
  return (
    <section class="panel" aria-labelledby="check">
      <h2 id="check">{texts.check}</h2>
      <p class="quiet">{texts.checkWhy}</p>
      <form class="stack settings" onSubmit={send}>
        <Field label={texts.topic} value={topic} set={setTopic} most={400} />
        <Field label={texts.payload} value={payload} set={setPayload} most={4000} />
        <div class="row">
          <button class="main" disabled={busy}>
            {texts.ask}
          </button>
        </div>
      </form>
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
      {found ? (
        <div role="status" class="verdict" data-verdict={found.verdict}>
          <p>
            <strong>{texts.verdict[found.verdict]}</strong>
          </p>
          {found.detail ? <p>{told(found.detail)}</p> : null}
          <dl class="facts">
            {found.value ? (
              <>
                <dt>{texts.kind}</dt>
                <dd>{valueOf(found.value.quantity, found.value.value)}</dd>
              </>
            ) : null}
            {found.table ? (
              <>
                <dt>{texts.table}</dt>
                <dd>
                  <code>{found.table}</code>
                </dd>
              </>
            ) : null}
            {found.repaired.length ? (
              <>
                <dt>{texts.repaired}</dt>
                <dd>{found.repaired.map(told).join("; ")}</dd>
              </>
            ) : null}
          </dl>
          {found.notes.map(note => (
            <p key={note} class="quiet">
              {told(note)}
            </p>
          ))}
        </div>
      ) : null}
    </section>
  );
}

export default function System(): VNode {
  const { system: texts } = t();
  const health = useAsk<ServiceHealth>("/health", LOOK_MS),
    status = useAsk<Status>("/status", LOOK_MS);
  return (
    <div class="stack">
      <div class="row">
        <h1 tabIndex={-1}>{texts.title}</h1>
        <span class="quiet">
          <a href="/api">{texts.api}</a>
          {isGuest.value ? null : (
            <>
              {" "}
              · <a href="/metrics">{texts.metrics}</a>
            </>
          )}
        </span>
      </div>
      {health.failure ? <p class="notice">{t().failed(health.failure)}</p> : null}
      <div class={isFresh.value ? "halves even" : "halves even past"}>
        {health.value ? <Parts health={health.value} /> : null}
        {status.value ? <Numbers status={status.value} /> : null}
      </div>
      {isAdmin.value ? <Doctor /> : null}
      <Metrics />
      {isGuest.value ? <p class="quiet">{texts.hidden}</p> : <Refusals />}
      <Events />
      {isGuest.value ? null : <Check />}
    </div>
  );
}
