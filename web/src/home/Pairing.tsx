// Devices that want in: the door is held open for five minutes, each device waits for a person's word. For admins.
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, part, Refused } from "../api/client";
import type { Pairing as Door, Waiting } from "../api/types";
import { entryOf, opens } from "../compute/entry";
import { Field } from "../settings/Field";
import { isAdmin } from "../state/session";
import { clock, t } from "../text";
import { Ago } from "../view/Ago";
import { Copy } from "../view/Copy";
import { Later } from "../view/Later";

const connect = () => import("./Connect");
const LOOK_MS = 3_000,
  /** Characters of a name and of a place, as the API bounds them. */
  LONGEST = 128;
const door = signal<Door | null>(null);
const failure = signal("");
/** Whether somebody has asked how a device gets in where no door is to be opened. */
const asked = signal(false);

async function look(): Promise<void> {
  try {
    const told = await ask<Door>("/pairing");
    // What a person is typing stays, as long as nothing changed.
    if (JSON.stringify(told) !== JSON.stringify(door.value)) door.value = told;
  } catch (error) {
    // What a person is typing stays while the service is away for a moment.
    if (error instanceof Refused && error.status) door.value = null;
  }
}

async function act(work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
    failure.value = "";
  } catch (error) {
    failure.value = error instanceof Refused ? error.message : String(error);
  }
  await look();
}

/** Opens the door, or says why that would let nobody in. */
export async function openDoor(): Promise<void> {
  if (!door.value) await look();
  asked.value = !!door.value && !opens(door.value);
  if (!asked.value) await act(() => ask("/pairing", { method: "POST" }));
}

/** How a device gets in where the door alone does not do: in words, with the line that changes it. */
function Explained({ door }: { door: Door }): VNode | null {
  const { pairing } = t(),
    entry = entryOf(door);
  if (entry === "elsewhere") return <p>{pairing.elsewhere}</p>;
  if (entry === "closed")
    return (
      <>
        <p>{pairing.closed}</p>
        <Copy text="casement devices add NAME" />
      </>
    );
  return (
    <>
      {entry === "free" ? <p>{pairing.free}</p> : null}
      {door.network ? null : (
        <>
          <p>{pairing.onlyHere}</p>
          <Copy text="casement up --lan" />
        </>
      )}
    </>
  );
}

function Applicant({ name, address, client_id, since, first }: Waiting): VNode {
  const [label, setLabel] = useState(""),
    [place, setPlace] = useState("");
  const { pairing } = t(),
    path = `/pairing/${part(name)}`;
  const approve = (event: Event) => {
    event.preventDefault();
    const body = { ...(label.trim() ? { name: label.trim() } : {}), ...(place.trim() ? { location: place.trim() } : {}) };
    void act(() => ask(`${path}/approve`, { method: "POST", body }));
  };
  return (
    <li>
      <p>
        <strong>{name}</strong> {pairing.from(address, client_id, "")}
        <Ago time={since} />
      </p>
      {first.map(({ topic, payload }) => (
        <code key={topic + payload} class="said">
          {topic} {payload}
        </code>
      ))}
      <form onSubmit={approve} class="row">
        <Field label={pairing.nameOf(name)} value={label} set={setLabel} most={LONGEST} />
        <Field label={pairing.placeOf(name)} value={place} set={setPlace} most={LONGEST} />
        <button class="main">{pairing.approve}</button>
        <button type="button" onClick={() => void act(() => ask(path, { method: "DELETE" }))}>
          {pairing.refuse}
        </button>
      </form>
    </li>
  );
}

/** The door and who waits at it; with `offer`, a button that opens it. */
export function Pairing({ offer }: { offer: boolean }): VNode | null {
  const [unfolded, unfold] = useState(false);
  useEffect(() => {
    if (!isAdmin.value) return;
    void look();
    const timer = setInterval(() => document.hidden || void look(), LOOK_MS);
    return () => clearInterval(timer);
  }, [isAdmin.value]);
  const now = door.value,
    { pairing } = t();
  if (!isAdmin.value || !now) return null;
  const told = failure.value ? (
    <p role="alert" class="wrong">
      {failure.value}
    </p>
  ) : null;
  const explains = asked.value && !opens(now);
  if (!now.open_until && !now.waiting.length && !explains)
    return offer ? (
      <div class="add">
        <button onClick={() => void openDoor()}>{t().home.add}</button>
        {told}
      </div>
    ) : (
      told
    );
  return (
    <section class="panel pairing" aria-label={pairing.title}>
      <h2>{now.waiting.length ? pairing.waiting : explains ? t().home.add : pairing.title}</h2>
      {now.open_until ? <p>{pairing.open(clock(now.open_until))}</p> : null}
      <Explained door={now} />
      {told}
      <ul>
        {now.waiting.map(waiting => (
          <Applicant key={waiting.name} {...waiting} />
        ))}
      </ul>
      {now.waiting.length || explains ? null : <p class="quiet">{pairing.nobody}</p>}
      {(now.open_until || explains) && offer ? (
        <details class="connect" onToggle={event => unfold(event.currentTarget.open)}>
          <summary>{pairing.how}</summary>
          {unfolded ? <Later load={connect} /> : null}
        </details>
      ) : null}
      {now.open_until ? (
        <button onClick={() => void act(() => ask("/pairing", { method: "DELETE" }))}>{pairing.shut}</button>
      ) : explains ? (
        <button onClick={() => (asked.value = false)}>{t().close}</button>
      ) : null}
    </section>
  );
}
