// Every room, the worst first, by place.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { useComputed } from "@preact/signals";
import type { DeviceView } from "../api/types";
import { byPlace, severity, troubles } from "../compute/troubles";
import { roomPath } from "../router";
import { deviceOf, devices, glimpses } from "../state/devices";
import { isFresh } from "../state/live";
import { localeInUse, t } from "../text";
import { troubleWords } from "../view/describe";
import { Pairing } from "./Pairing";
import { Later } from "../view/Later";
import { RoomCard } from "./RoomCard";

const empty = () => import("./Empty");
const SEARCH_FROM = 13,
  NAMED = 4;

/** What is wrong anywhere, in one line with the way there. */
function Summary({ rooms }: { rooms: DeviceView[] }): VNode {
  const bad = rooms.filter(device => severity(device) >= 1).sort((one, other) => severity(other) - severity(one));
  // What is old is not called fine.
  if (!bad.length && !isFresh.value) return <p class="summary" />;
  if (!bad.length) return <p class="summary">{t().home.well(rooms.length)}</p>;
  return (
    <p class="summary bad">
      <strong>{t().home.attention(bad.length, rooms.length)}</strong>
      {bad.slice(0, NAMED).map(device => (
        <span key={device.device_id}>
          {" "}
          <a href={roomPath(device.device_id)}>{device.name}</a>
          {`: ${troubleWords(troubles(device)[0]!).title}`}
        </span>
      ))}
      {bad.length > NAMED ? <span> {t().home.moreTroubles(bad.length - NAMED)}</span> : null}
    </p>
  );
}

export function Home(): VNode {
  const [wanted, want] = useState("");
  // Cards change by themselves; this is drawn again only where their order does, or what is wrong.
  const groups = useComputed(() => {
    void glimpses.value;
    const groups = byPlace(devices.peek(), localeInUse());
    return groups.map(({ place, devices: inside }) => [place, inside.map(device => device.device_id)] as const);
  }).value;
  const rooms = devices.peek().filter(device => !device.retired);
  if (!rooms.length)
    return (
      <>
        <h1 class="hidden" tabIndex={-1}>
          {t().home.title}
        </h1>
        <Pairing offer={false} />
        {devices.peek().length ? (
          <p class="notice">
            {t().home.allRetired} <a href="#/devices">{t().nav.devices}</a>
          </p>
        ) : (
          <Later load={empty} />
        )}
      </>
    );
  const found = (device_id: string) => {
    const device = deviceOf(device_id)?.peek(),
      text = wanted.trim().toLowerCase();
    return !!device && (!text || `${device.name} ${device_id} ${device.location}`.toLowerCase().includes(text));
  };
  const shown = groups.map(([place, ids]) => [place, ids.filter(found)] as const).filter(([, ids]) => ids.length);
  return (
    <>
      <div class="title">
        <h1 class="hidden" tabIndex={-1}>
          {t().home.title}
        </h1>
        <Summary rooms={rooms} />
        {rooms.length >= SEARCH_FROM ? (
          <input
            type="search"
            class="search"
            aria-label={t().home.search}
            placeholder={t().home.search}
            value={wanted}
            onInput={event => want(event.currentTarget.value)}
          />
        ) : null}
        <Pairing offer />
      </div>
      {shown.length ? null : <p class="quiet">{t().home.nothing(wanted)}</p>}
      <div class="around">
        <div class="places">
          {shown.map(([place, ids]) => (
            <section key={place} class="place">
              {groups.length > 1 || place ? <h2>{place || t().home.elsewhere}</h2> : null}
              <div class="cards">
                {ids.map(device_id => (
                  <RoomCard key={device_id} of={deviceOf(device_id)!} />
                ))}
              </div>
            </section>
          ))}
        </div>
      </div>
    </>
  );
}
