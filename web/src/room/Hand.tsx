// A window moved by hand: on its drawing, for a while; the command is followed to the window's own report.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Control, DeviceView } from "../api/types";
import { tomorrow } from "../compute/time";
import { clamp, positionAt, OPENING } from "../compute/window";
import { mayChange, session } from "../state/session";
import { clock, percent, t } from "../text";
import { ByHand } from "../view/ByHand";
import { override, reasonOf, windowState, wish } from "../view/describe";
import { hold, resume, untilTomorrow } from "../view/hold";
import { interlockWords } from "../view/sentences";
import { WindowPicture } from "../view/WindowPicture";

type Length = "hours2" | "tomorrow" | "forever";
const LENGTHS: Length[] = ["hours2", "tomorrow", "forever"];

function lengthOf(length: Length): object {
  if (length === "hours2") return { for_s: 7_200 };
  return length === "forever" ? { forever: true } : untilTomorrow();
}

/** How far a command has come. */
function Followed({ control }: { control: Control }): VNode | null {
  const command = control.command;
  if (!command || command.origin !== "person") return null;
  const bad = command.state === "failed" || command.state === "expired";
  return (
    <p role="status" class={bad ? "wrong" : "followed"} data-command={command.state}>
      {t().hand.state[command.state] ?? command.state}
    </p>
  );
}

/** What decided that it stands so, and why. */
export function Why({ device }: { device: DeviceView }): VNode {
  const reason = reasonOf(device);
  return (
    <>
      <p class="wish">{wish(device)}</p>
      {reason ? <p class="why">{reason}</p> : null}
    </>
  );
}

/** What comes before people: said where one sees that the window is not where it was put. */
function Interlocks({ control }: { control: Control }): VNode {
  return (
    <>
      {control.interlocks.map(interlock => (
        <p key={interlock.cause} class="interlock">
          {interlockWords(interlock)}
        </p>
      ))}
    </>
  );
}

/** What keeps the window where it is. */
function Limits({ control }: { control: Control }): VNode {
  const { limits, quiet } = control,
    { hand } = t();
  return (
    <>
      {limits.min > 0 || limits.max < 100 ? <p class="quiet">{hand.limited(percent(limits.min), percent(limits.max))}</p> : null}
      {quiet ? <p class="quiet">{hand.quiet}</p> : null}
    </>
  );
}

export function Hand({ device }: { device: DeviceView }): VNode | null {
  const { hand } = t(),
    control = device.control,
    stands = windowState(device),
    byHand = override(device);
  const [wanted, want] = useState<number | null>(null),
    [length, setLength] = useState<Length>("hours2");
  const [failure, fail] = useState(""),
    [busy, work] = useState(false);
  const drag = useRef<HTMLDivElement>(null);
  // What was wished is shown until the service has taken it on.
  useEffect(() => want(null), [control?.command?.command_id, control?.override?.position]);
  if (!stands.known) return null;
  const position = wanted ?? stands.target ?? stands.position ?? 0;
  const least = control?.limits?.min ?? 0,
    most = control?.limits?.max ?? 100;

  const send = async (wished: Promise<void>) => {
    work(true);
    try {
      await wished;
      fail("");
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
    }
    want(null);
    work(false);
  };
  const move = (to: number, lasting = lengthOf(length)) =>
    void send(hold(device.device_id, { position: clamp(to, least, most), ...lasting }));

  // Drawing: the free edge of the sash goes with the pointer.
  const may = stands.known && !!control && mayChange.value;
  const point = (event: PointerEvent) => {
    if (!may || !(event.buttons & 1)) return;
    const box = drag.current!.getBoundingClientRect(),
      unit = box.width / 100;
    want(clamp(positionAt((event.clientX - box.left - OPENING.x * unit) / (OPENING.width * unit)), least, most));
  };

  return (
    <section class="panel hand" aria-labelledby="hand">
      <h2 id="hand" class={stands.known ? "" : "hidden"}>
        {stands.known ? hand.title : t().quantity["position"]}
      </h2>
      <div
        class="drawing"
        ref={drag}
        data-may={may || undefined}
        onPointerDown={event => (event.currentTarget.setPointerCapture(event.pointerId), point(event))}
        onPointerMove={point}
        onPointerUp={() => wanted !== null && may && move(wanted)}
        onPointerCancel={() => want(null)}
      >
        <WindowPicture
          position={wanted ?? stands.position}
          target={wanted ?? stands.target}
          moving={stands.moving}
          stuck={stands.stuck}
          label={t().window.picture(stands.words)}
        />
      </div>
      <p class="stands" data-stands>
        {stands.words}
      </p>
      {control ? <Interlocks control={control} /> : null}
      {byHand ? <ByHand chosen={byHand} /> : null}
      {control ? <Followed control={control} /> : null}
      <Why device={device} />
      {control && may ? (
        <>
          <div class="row slide">
            <input
              type="range"
              min={least}
              max={most}
              step={1}
              value={position}
              aria-label={hand.slider}
              aria-valuetext={percent(position)}
              disabled={busy}
              onInput={event => want(event.currentTarget.valueAsNumber)}
            />
            <output>{percent(position)}</output>
          </div>
          <fieldset class="field lengths">
            <legend>{hand.forHow}</legend>
            {LENGTHS.map(key => (
              <label key={key} class="check">
                <input type="radio" name="length" checked={length === key} onChange={() => setLength(key)} />
                {key === "tomorrow" ? hand.tomorrow(clock(tomorrow(new Date()))) : hand[key]}
              </label>
            ))}
          </fieldset>
          <div class="buttons">
            <button class="main" disabled={busy || wanted === null} onClick={() => wanted !== null && move(wanted)}>
              {hand.go(percent(position))}
            </button>
            <button disabled={busy} data-move="open" onClick={() => move(most)}>
              {hand.open[length]}
            </button>
            <button disabled={busy} data-move="close" onClick={() => move(least)}>
              {hand.close[length]}
            </button>
            {length === "tomorrow" ? null : (
              <button disabled={busy} data-move="close-tomorrow" onClick={() => move(least, untilTomorrow())}>
                {hand.close.tomorrow}
              </button>
            )}
          </div>
          {byHand ? (
            <button disabled={busy} onClick={() => void send(resume(device.device_id))}>
              {hand.resume}
            </button>
          ) : null}
        </>
      ) : null}
      {stands.known && !mayChange.value && session.value ? (
        <p class="quiet">
          {hand.forbidden} {session.value.signed_in ? null : <a href="/sign-in">{t().session.signIn}</a>}
        </p>
      ) : null}
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
      {control ? <Limits control={control} /> : null}
    </section>
  );
}
