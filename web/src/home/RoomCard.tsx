// A room at a glance: its air, its window and why it stands so, and what is wrong.
import type { Signal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import type { DeviceView } from "../api/types";
import { isBehind } from "../compute/time";
import { troubles } from "../compute/troubles";
import { roomPath } from "../router";
import { quantities } from "../state/devices";
import { mayChange } from "../state/session";
import { t } from "../text";
import { Ago } from "../view/Ago";
import { ByHand } from "../view/ByHand";
import { becauseOf, meanwhile, nameOf, override, sound, troubleWords, valueOf, windowState, wish } from "../view/describe";
import { hold, resume, untilTomorrow } from "../view/hold";
import { Near, useNear } from "../view/near";
import { interlockWords } from "../view/sentences";
import { Sparkline } from "../view/Sparkline";
import { useWork } from "../view/useAsk";
import { WindowPicture } from "../view/WindowPicture";

const FURTHER = ["co2", "rain", "wind", "pressure", "illuminance"],
  /** More lines would make every card of its row as long. */
  MOST_LINES = 4;

/** A value; where it is of long before its device was heard last, dimmed and with its age. */
function Told({ text, of, device }: { text: ComponentChildren; of: { timestamp: string }; device: DeviceView }): VNode {
  if (!isBehind(of, device)) return <>{text}</>;
  return (
    <span class="behind">
      {text}{" "}
      <small>
        <Ago time={of.timestamp} />
      </small>
    </span>
  );
}

function Measured({ device }: { device: DeviceView }): VNode {
  const { temperature, humidity } = device.readings,
    heard = sound(device);
  const measured = FURTHER.filter(word => device.readings[word]),
    room = MOST_LINES - Number(!!humidity) - Number(!!heard),
    further = measured.slice(0, measured.length > room ? room - 1 : room),
    left = measured.length - further.length;
  return (
    <div class="measured">
      <p class="degrees" data-quantity="temperature">
        {temperature ? <Told text={valueOf("temperature", temperature.value)} of={temperature} device={device} /> : "–"}
      </p>
      <dl>
        {humidity ? (
          <div data-quantity="humidity">
            <dt>{nameOf("humidity")}</dt>
            <dd>
              <Told text={valueOf("humidity", humidity.value)} of={humidity} device={device} />
            </dd>
          </div>
        ) : null}
        {further.map(word => (
          <div key={word} data-quantity={word}>
            <dt>{nameOf(word)}</dt>
            <dd>
              <Told text={valueOf(word, device.readings[word]!.value)} of={device.readings[word]!} device={device} />
            </dd>
          </div>
        ))}
        {heard ? (
          <div data-quantity="sound">
            <dt>{nameOf("sound")}</dt>
            <dd>
              <Told
                text={
                  <>
                    {heard.word} <small>{heard.level}</small>
                  </>
                }
                of={device.clip!}
                device={device}
              />
            </dd>
          </div>
        ) : null}
      </dl>
      {left ? <p class="more">{t().home.more(left)}</p> : null}
    </div>
  );
}

export function Troubles({ device, most }: { device: DeviceView; most: number }): VNode | null {
  const found = troubles(device);
  if (!found.length) return null;
  return (
    <ul class="troubles">
      {found.slice(0, most).map((trouble, at) => {
        const { title, detail } = troubleWords(trouble);
        return (
          <li key={at} class={`severity-${trouble.severity}`}>
            <strong>{title}</strong>
            {detail ? <span> {detail}</span> : null}
          </li>
        );
      })}
      {found.length > most ? <li class="more">{t().home.moreTroubles(found.length - most)}</li> : null}
    </ul>
  );
}

/** What the small chart shows: temperature, or else whatever there is. */
function charted(device: DeviceView): string | undefined {
  if (device.readings["temperature"]) return "temperature";
  return quantities.value.find(({ quantity }) => device.readings[quantity])?.quantity;
}

/** Shut until tomorrow, or given back: without leaving the rooms. */
function AtOnce({ device, isHeld }: { device: DeviceView; isHeld: boolean }): VNode | null {
  const { busy, failure, start } = useWork(),
    { hand } = t(),
    { control, device_id } = device;
  if (!control || device.retired || !mayChange.value) return null;
  const { lost, position, target } = windowState(device),
    isOpen = lost || (position ?? target ?? 0) > control.limits.min + 0.5;
  if (!isHeld && !isOpen) return null;
  const work = () => (isHeld ? resume(device_id) : hold(device_id, { position: control.limits.min, ...untilTomorrow() }));
  return (
    <div class="at-once">
      <button disabled={busy} data-at-once={isHeld ? "resume" : "close"} onClick={() => void start(work)}>
        {isHeld ? hand.resume : hand.close.tomorrow}
        <span class="hidden"> {device.name}</span>
      </button>
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
    </div>
  );
}

export function RoomCard({ of }: { of: Signal<DeviceView> }): VNode {
  const { value: device, around, box } = useNear(of),
    stands = windowState(device),
    byHand = override(device),
    wished = meanwhile(device),
    line = charted(device);
  const { state } = device.health,
    reason = becauseOf(device),
    interlocks = device.control?.interlocks ?? [];
  return (
    <Near.Provider value={around}>
      <article ref={box} class={`room ${state}`} data-device={device.device_id} aria-labelledby={`room-${device.device_id}`}>
        <header>
          <h3 id={`room-${device.device_id}`}>
            <a href={roomPath(device.device_id)}>{device.name}</a>
          </h3>
          <span class={`presence ${state}`}>
            {state === "online" ? null : <>{t().state[state]} · </>}
            {device.last_seen ? <Ago time={device.last_seen} /> : null}
          </span>
        </header>
        <Troubles device={device} most={2} />
        <div class="inside">
          {stands.known ? (
            <figure>
              <WindowPicture
                position={stands.position}
                target={stands.target}
                moving={stands.moving}
                stuck={stands.stuck}
                label={t().window.picture(stands.words)}
              />
              <figcaption>{stands.words}</figcaption>
            </figure>
          ) : null}
          <Measured device={device} />
        </div>
        {line ? <Sparkline device_id={device.device_id} quantity={line} /> : null}
        {interlocks.map(interlock => (
          <p key={interlock.cause} class="interlock">
            {interlockWords(interlock)}
          </p>
        ))}
        {byHand ? <ByHand chosen={byHand} /> : null}
        {byHand && wished ? <p class="wish">{wished}</p> : null}
        {byHand ? null : (
          <p class="wish">
            {wish(device)}
            {reason && !interlocks.length ? <span class="because">{reason}</span> : null}
          </p>
        )}
        <AtOnce device={device} isHeld={!!byHand} />
      </article>
    </Near.Provider>
  );
}
