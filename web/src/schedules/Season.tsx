// A part of each year, and a moment of each day.
import type { VNode } from "preact";
import { useId } from "preact/hooks";
import { Group } from "../settings/Field";
import { momentOf, momentText } from "../settings/rules";
import { localeInUse, t } from "../text";

const MONTHS = Array.from({ length: 12 }, (_, at) => at);
const two = (count: number) => String(count).padStart(2, "0");

function monthName(month: number): string {
  return new Intl.DateTimeFormat(localeInUse(), { month: "long", timeZone: "UTC" }).format(Date.UTC(2024, month, 1));
}

/** `MM-DD`, as a day and a month; empty where no month is chosen. */
function Day({
  label,
  value,
  set,
  disabled,
}: {
  label: string;
  value: string;
  set: (value: string) => void;
  disabled: boolean;
}): VNode {
  const [month = "", day = ""] = value.split("-");
  return (
    <div class="row day" role="group" aria-label={label}>
      <span class="quiet">{label}</span>
      <input
        type="number"
        min={1}
        max={31}
        aria-label={t().rules.day}
        value={day}
        disabled={disabled || !month}
        onInput={event => set(`${month}-${two(event.currentTarget.valueAsNumber || 1)}`)}
      />
      <select
        aria-label={t().rules.month}
        value={month}
        disabled={disabled}
        onChange={({ currentTarget: { value: chosen } }) => set(chosen ? `${chosen}-${day || "01"}` : "")}
      >
        <option value="">–</option>
        {MONTHS.map(at => (
          <option key={at} value={two(at + 1)}>
            {monthName(at)}
          </option>
        ))}
      </select>
    </div>
  );
}

export function Season({
  first,
  last,
  set,
  wrong,
  disabled,
}: {
  first: string;
  last: string;
  set: (first: string, last: string) => void;
  wrong?: string | undefined;
  disabled: boolean;
}): VNode {
  const { rules, settings } = t();
  return (
    <Group legend={rules.season} wrong={wrong}>
      <Day label={settings.from} value={first} disabled={disabled} set={value => set(value, last)} />
      <Day label={settings.until} value={last} disabled={disabled} set={value => set(first, value)} />
    </Group>
  );
}

/** A time by the clock, or one by the sun and how far from it. */
export function Moment({
  label,
  value,
  set,
  wrong,
  disabled,
}: {
  label: string;
  value: string;
  set: (value: string) => void;
  wrong?: string | undefined;
  disabled: boolean;
}): VNode {
  const { rules } = t(),
    id = useId(),
    { of, time, minutes } = momentOf(value);
  return (
    <Group legend={label} wrong={wrong}>
      <div class="row moment">
        <select
          aria-label={rules.by}
          value={of}
          disabled={disabled}
          onChange={event => set(momentText(event.currentTarget.value as typeof of, "", 0))}
        >
          {(["clock", "sunrise", "sunset"] as const).map(each => (
            <option key={each} value={each}>
              {rules.moment[each]}
            </option>
          ))}
        </select>
        {of === "clock" ? (
          <input
            type="time"
            aria-label={label}
            aria-invalid={wrong ? "true" : "false"}
            value={time}
            disabled={disabled}
            onInput={event => set(event.currentTarget.value)}
          />
        ) : (
          <>
            <input
              id={id}
              type="number"
              min={-720}
              max={720}
              step={5}
              aria-label={rules.offset}
              aria-invalid={wrong ? "true" : "false"}
              value={minutes}
              disabled={disabled}
              onInput={event => set(momentText(of, "", event.currentTarget.valueAsNumber || 0))}
            />
            <label for={id} class="quiet">
              {rules.offset}
            </label>
          </>
        )}
      </div>
    </Group>
  );
}
