// What a device's state is in words.
import type { DeviceView } from "../api/types";
import { loudness } from "../compute/sound";
import { isNewer } from "../compute/time";
import type { Trouble } from "../compute/troubles";
import { quantities } from "../state/devices";
import { moment, number, percent, quantity, sure, t } from "../text";
import { because, say } from "./sentences";

/** Where a window stands and goes. `known` is false where the device has none, as far as anybody heard. */
export interface WindowState {
  known: boolean;
  position: number | null;
  target: number | null;
  moving: boolean;
  stuck: boolean;
  /** Whether it began anew and does not say where it stands: it may be open. */
  lost: boolean;
  words: string;
}

export function windowState(device: DeviceView): WindowState {
  const { control, window: reported, command } = device;
  // What limits a device that was never told anything and never said anything is no window yet.
  const isWindow = control && (control.target != null || control.position != null || control.override || control.command);
  const lost = control?.motion === "unknown";
  const target = control ? (control.target ?? null) : (command?.position ?? null);
  const moving = control?.motion === "moving",
    stuck = control?.motion === "stuck";
  // What a window begins with is no place. Elsewhere its reports are newer than what is known of it, which comes only where that
  // changes what it does: one that is pushed a little says so by its report alone.
  const position = lost ? null : (reported?.value ?? control?.position ?? null);
  const isSilent = position === null && !lost;
  return {
    known: !!(reported || command || isWindow),
    position,
    target,
    moving,
    stuck,
    lost,
    words: isSilent && target !== null ? t().window.silent(percent(target)) : windowWords(position, target, moving, stuck),
  };
}

function windowWords(position: number | null, target: number | null, moving: boolean, stuck: boolean): string {
  const { window } = t();
  if (moving && target !== null) return window.moving(percent(target));
  const stands =
    position === null
      ? window.unknown
      : position < 0.5
        ? window.shut
        : position > 99.5
          ? window.wide
          : window.open(percent(position));
  const told =
    target !== null && (position === null || Math.abs(target - position) > 2) ? ` · ${window.told(percent(target))}` : "";
  return `${stands}${stuck ? ` · ${window.stuck}` : told}`;
}

/** A decision that moved nothing, and why not. */
function kept(device: DeviceView, { position, confidence, verdict }: NonNullable<DeviceView["held"]>): string {
  const { wish } = t(),
    to = percent(position);
  // It wants a little more or less, which is no move: what it agrees to is where the window stands.
  const certain = sure(confidence);
  if (verdict === "there") return wish.agrees(percent(windowState(device).position ?? position), certain);
  const why = wish.why[verdict];
  return why ? wish.kept(to, why, certain) : wish.held(to, certain);
}

/** What the model would like while a person decides; empty where it has not said so since they did. */
export function meanwhile(device: DeviceView): string {
  const { held, control, withheld } = device,
    since = control?.override?.since;
  const isOfNow = held && since && Date.parse(held.timestamp) >= Date.parse(since) && !isNewer(withheld, held);
  return isOfNow ? kept(device, held) : "";
}

/** What decides about the window, in one sentence. */
export function wish(device: DeviceView): string {
  const { command, held, withheld, health, control } = device,
    { wish } = t();
  if (isNewer(withheld, command) && isNewer(withheld, held)) return wish.stays(say(withheld!.reason));
  if (isNewer(held, command)) {
    const isOver = held!.verdict === "override" && control && !control.override;
    return isOver ? t().hand.resumed : kept(device, held!);
  }
  const followed = control?.command;
  const isFollowed = followed && (!command || Date.parse(followed.at) >= Date.parse(command.timestamp));
  const { origin, cause, position } = (isFollowed ? followed : command) ?? {};
  if (position !== undefined)
    switch (origin) {
      case "interlock":
        return wish.interlock(percent(position), interlockName(cause));
      case "schedule":
        return wish.schedule(percent(position), cause ?? "");
      case "person":
        return wish.person(percent(position));
    }
  if (command)
    return command.model_version
      ? wish.model(percent(command.position), sure(command.confidence))
      : wish.told(percent(command.position));
  if (followed) return wish.told(percent(followed.position));
  return health.state === "never_seen" ? wish.waits : wish.none;
}

/** What an interlock is called; the service's word where the page has none, and nothing where it is not known. */
const interlockName = (cause: string | null | undefined): string => (cause ? (t().interlock[cause] ?? cause) : "");

/** Why it was decided so, in the service's own words; empty where the sentence above says it. */
function reason({ command, held, withheld }: DeviceView): string {
  if (isNewer(withheld, command) && isNewer(withheld, held)) return "";
  return (isNewer(held, command) ? held?.reason : command?.reason) ?? "";
}

/** The same as the viewer reads it. */
export const reasonOf = (device: DeviceView): string => say(reason(device));

/** The same for a glance. */
export const becauseOf = (device: DeviceView): string => because(reason(device));

export function override(device: DeviceView): { text: string; until: string | null } | null {
  const active = device.control?.override;
  if (!active) return null;
  const texts = t().override;
  const by = active.by || texts.by[active.source ?? ""] || "";
  const until = active.until ? texts.until(moment(active.until)) : texts.forever;
  return { text: `${texts.active(percent(active.position))} ${until}${by ? ` · ${by}` : ""}`, until: active.until ?? null };
}

/** A value of a quantity by its word. */
export function valueOf(word: string, value: number): string {
  const facts = quantities.value.find(({ quantity }) => quantity === word);
  return quantity(word, value, facts?.unit ?? "", facts?.decimals ?? 1);
}

export const nameOf = (word: string): string =>
  t().quantity[word] ?? quantities.value.find(({ quantity }) => quantity === word)?.name ?? word;

export function sound(device: DeviceView): { word: string; level: string } | null {
  const level = device.clip?.level_dbfs;
  return level == null ? null : { word: t().loudness[loudness(level)], level: `${number(level)} dBFS` };
}

/** A trouble in words: a title, and the service's own explanation. */
export function troubleWords(trouble: Trouble): { title: string; detail: string } {
  const texts = t().trouble,
    // A clock's text is a word of its state.
    detail = trouble.kind === "clock" ? (trouble.text ?? "") : say(trouble.text ?? ""),
    value = trouble.value ?? 0;
  switch (trouble.kind) {
    case "problem":
      return { title: detail, detail: "" };
    case "clock":
      return { title: texts.clock(detail), detail: "" };
    case "suspect":
      return { title: texts.suspect(nameOf(trouble.quantity ?? ""), valueOf(trouble.quantity ?? "", value)), detail };
    case "battery":
      return { title: texts.battery(percent(value)), detail };
    case "stuffy":
      return { title: texts.stuffy(valueOf("co2", value)), detail };
    case "withheld":
      return { title: t().wish.stays(detail), detail: "" };
    default:
      return { title: texts[trouble.kind], detail };
  }
}
