// One room: its air and window now, how it came to this, and how it is set up.
import type { VNode } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { DeviceView } from "../api/types";
import { isBehind } from "../compute/time";
import { route } from "../router";
import { Troubles } from "../home/RoomCard";
import { deviceOf, quantities } from "../state/devices";
import { t } from "../text";
import { Ago } from "../view/Ago";
import { nameOf, sound, valueOf, windowState } from "../view/describe";
import { DeviceForm } from "../settings/DeviceForm";
import { Clips } from "./Clips";
import { Charts, pointsFor, seriesOf } from "./Charts";
import { Hand, Why } from "./Hand";
import { askAhead, LISTED, usePast } from "./histories";
import { chooseFor } from "./range";
import { Happened, Moves } from "./Moves";
import "../style/room.css";

function Now({ device }: { device: DeviceView }): VNode {
  const heard = sound(device);
  const measured = quantities.value.filter(({ quantity }) => device.readings[quantity]);
  return (
    <section class="panel" aria-labelledby="now">
      <h2 id="now">{t().room.readingsOf}</h2>
      <dl class="readings">
        {measured.map(({ quantity }) => {
          const reading = device.readings[quantity]!;
          return (
            <div key={quantity} data-quantity={quantity}>
              <dt>{nameOf(quantity)}</dt>
              <dd class={isBehind(reading, device) ? "behind" : undefined}>{valueOf(quantity, reading.value)}</dd>
              <dd class="age">
                <Ago time={reading.timestamp} />
              </dd>
            </div>
          );
        })}
        {heard ? (
          <div>
            <dt>{nameOf("sound")}</dt>
            <dd class={isBehind(device.clip, device) ? "behind" : undefined}>
              {heard.word} <small>{heard.level}</small>
            </dd>
            <dd class="age">
              <Ago time={device.clip!.timestamp} />
            </dd>
          </div>
        ) : null}
      </dl>
      {windowState(device).known ? null : <Why device={device} />}
    </section>
  );
}

/** How much of a list is shown, and the way to more. */
function useFurther(): { most: number; more: () => void } {
  const [step, go] = useState(0);
  return { most: LISTED[step] ?? LISTED.at(-1)!, more: () => go(step => Math.min(step + 1, LISTED.length - 1)) };
}

function Known({ device }: { device: DeviceView }): VNode {
  const [width, measure] = useState(0);
  useMemo(() => chooseFor(device.registered_at), [device.device_id]);
  const moves = useFurther(),
    events = useFurther();
  const names = seriesOf(device),
    listed = Math.max(moves.most, events.most),
    wanted = { device_id: device.device_id, names, points: width && pointsFor(width), listed },
    asked = usePast(wanted);
  const { state } = device.health;
  return (
    <div class={`whole ${state}`}>
      <header class="heading">
        <p>
          <a href="#/">← {t().room.back}</a>
        </p>
        <h1 tabIndex={-1}>{device.name}</h1>
        <p class="quiet">
          <span class={`presence ${state}`}>{t().state[state]}</span>
          {device.last_seen ? (
            <>
              {" "}
              · <Ago time={device.last_seen} />
            </>
          ) : null}
          {device.location ? ` · ${device.location}` : ""} · <code>{device.device_id}</code>
        </p>
      </header>
      <Troubles device={device} most={8} />
      <div class="columns">
        <div class="beside">
          <div class="side">
            {device.retired ? <p class="panel notice">{t().room.retired}</p> : <Hand device={device} />}
            <Now device={device} />
          </div>
          <div class="story">
            {asked.past?.listed ? (
              <>
                <Moves rows={asked.past.commands} cut={asked.past.cut.commands} {...moves} />
                <Happened rows={asked.past.events} cut={asked.past.cut.events} {...events} />
              </>
            ) : null}
            {device.clip ? <Clips device_id={device.device_id} /> : null}
          </div>
        </div>
        <div class="beside">
          <Charts device={device} names={names} asked={asked} ahead={range => askAhead(wanted, range)} measure={measure} />
          <section class="panel how" aria-labelledby="settings">
            <h2 id="settings">{t().room.settings}</h2>
            <DeviceForm device={device} key={device.device_id} />
          </section>
        </div>
      </div>
    </div>
  );
}

export default function Room(): VNode {
  const device_id = route.value.device_id ?? "";
  const device = deviceOf(device_id)?.value;
  if (!device)
    return (
      <>
        <h1 tabIndex={-1}>{t().home.title}</h1>
        <p class="notice">
          {t().room.gone(device_id)} <a href="#/">{t().room.back}</a>
        </p>
      </>
    );
  return <Known key={device_id} device={device} />;
}
