// The fields of one level's settings: a device's, a place's, or those of all.
import type { VNode } from "preact";
import type { Hours, Quantity, Settings } from "../api/types";
import { quantities } from "../state/devices";
import { hours, number, t, temperatureUnit } from "../text";
import { nameOf } from "../view/describe";
import { refusalIn } from "../view/sentences";
import { Check, Field, Group } from "./Field";
import { draftOf, NUMBERS, type Draft, type NumberName, type Wrong } from "./draft";

interface Props {
  draft: Draft;
  set: (draft: Draft) => void;
  wrong: Wrong;
  /** What the API refuses, by path. */
  refused: Record<string, string>;
  /** What holds where nothing is set here. */
  effective?: Settings;
  /** Where a setting comes from, in words. */
  level?: (name: keyof Settings) => string;
  disabled: boolean;
}

/** What is wrong with a field, in words: what the form finds, or else what the API said of it. */
export function wrongWords(wrong: Wrong, field: string, refused: Record<string, string> = {}): string | undefined {
  const found = wrong[field],
    texts = t().settings.wrong;
  if (!found) return refused[field] && refusalIn(refused[field]);
  if (found.kind === "range")
    return texts.range(number(found.bounds.min, Number.isInteger(found.bounds.min) ? 0 : 1), number(found.bounds.max));
  return texts[found.kind];
}

const LABELS: Record<NumberName, "report" | "clipEvery" | "clipLength" | "travel"> = {
  report_interval_s: "report",
  clip_interval_s: "clipEvery",
  clip_length_s: "clipLength",
  motor_travel_s: "travel",
};

export function Quiet({
  hours,
  set,
  disabled,
}: {
  hours: Hours[] | null;
  set: (hours: Hours[] | null) => void;
  disabled: boolean;
}): VNode {
  const { settings } = t(),
    spans = hours ?? [];
  const change = (at: number, part: Partial<Hours>) =>
    set(spans.map((span, place) => (place === at ? { ...span, ...part } : span)));
  return (
    <>
      {spans.map((span, at) => (
        <div key={at} class="row hours">
          <input
            type="time"
            aria-label={settings.from}
            value={span.from}
            disabled={disabled}
            onInput={event => change(at, { from: event.currentTarget.value })}
          />
          –
          <input
            type="time"
            aria-label={settings.until}
            value={span.until}
            disabled={disabled}
            onInput={event => change(at, { until: event.currentTarget.value })}
          />
          {disabled ? null : (
            <button type="button" onClick={() => set(spans.length > 1 ? spans.filter((_, place) => place !== at) : null)}>
              {t().remove}
            </button>
          )}
        </div>
      ))}
      {disabled || spans.length >= 16 ? null : (
        <button type="button" onClick={() => set([...spans, { from: "22:00", until: "06:30" }])}>
          {settings.addHours}
        </button>
      )}
    </>
  );
}

export function SettingsFields({ draft, set, wrong, refused, effective, level, disabled }: Props): VNode {
  const { settings } = t(),
    usual = draftOf(effective ?? {}, temperatureUnit.value);
  const words = (path: string) => wrongWords(wrong, path, refused);
  const hint = (name: keyof Settings) => level?.(name);
  const unitOf = (quantity: string, unit: string) => (quantity === "temperature" ? `°${temperatureUnit.value}` : unit);
  const changes = (kind: "thresholds" | "calibration") =>
    quantities.value.map(({ quantity, unit }) => (
      <Field
        key={quantity}
        label={nameOf(quantity)}
        unit={unitOf(quantity, unit)}
        decimal
        disabled={disabled}
        value={draft[kind][quantity as Quantity] ?? ""}
        placeholder={usual[kind][quantity as Quantity]}
        wrong={words(`${kind}.${quantity}`)}
        set={value => set({ ...draft, [kind]: { ...draft[kind], [quantity]: value } })}
      />
    ));
  return (
    <>
      <div class="fields">
        <Field
          label={settings.least}
          unit={settings.percent}
          decimal
          disabled={disabled}
          value={draft.least}
          placeholder={usual.least || "0"}
          hint={hint("opening")}
          wrong={words("opening.min")}
          set={least => set({ ...draft, least })}
        />
        <Field
          label={settings.most}
          unit={settings.percent}
          decimal
          disabled={disabled}
          value={draft.most}
          placeholder={usual.most || "100"}
          hint={hint("opening")}
          wrong={words("opening.max")}
          set={most => set({ ...draft, most })}
        />
        <Group
          legend={settings.quiet}
          hint={hint("quiet_hours")}
          wrong={words("quiet_hours") ?? words("quiet_hours[0].from") ?? words("quiet_hours[0].until")}
        >
          {!draft.quiet && usual.quiet?.length ? <p class="quiet">{usual.quiet.map(hours).join(", ")}</p> : null}
          <Quiet hours={draft.quiet} disabled={disabled} set={quiet => set({ ...draft, quiet })} />
        </Group>
        {NUMBERS.map(name => (
          <Field
            key={name}
            label={settings[LABELS[name]]}
            unit={settings.seconds}
            decimal
            disabled={disabled}
            value={draft.numbers[name]}
            placeholder={usual.numbers[name]}
            hint={hint(name)}
            wrong={words(name)}
            set={value => set({ ...draft, numbers: { ...draft.numbers, [name]: value } })}
          />
        ))}
        <Field
          label={settings.zone}
          most={64}
          disabled={disabled}
          value={draft.zone}
          placeholder={usual.zone || settings.zoneHint}
          hint={hint("time_zone")}
          wrong={words("time_zone")}
          set={zone => set({ ...draft, zone })}
        />
        <Check
          label={settings.turned}
          disabled={disabled}
          checked={draft.turned ?? usual.turned ?? false}
          hint={hint("zero_is_open")}
          set={turned => set({ ...draft, turned })}
        />
        <Check
          label={settings.alwaysTrigger}
          disabled={disabled}
          checked={draft.alwaysTrigger ?? usual.alwaysTrigger ?? false}
          hint={hint("audio_always_trigger")}
          set={alwaysTrigger => set({ ...draft, alwaysTrigger })}
        />
      </div>
      <details>
        <summary>{settings.thresholds}</summary>
        <div class="fields">{changes("thresholds")}</div>
      </details>
      <details>
        <summary>{settings.calibration}</summary>
        <div class="fields">{changes("calibration")}</div>
      </details>
    </>
  );
}
