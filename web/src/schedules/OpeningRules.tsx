// Narrower limits at some hours or in some part of the year.
import type { VNode } from "preact";
import type { RuleDraft } from "../settings/rules";
import { Field, Group } from "../settings/Field";
import { dayOfYear, hours as hoursWords, percent, t } from "../text";
import { Season } from "./Season";
import type { Part } from "./RulesForm";

const MOST = 16;
const AT_NIGHT: RuleDraft = { from: "22:00", until: "06:00", first: "", last: "", min: "", max: "20" };

function Rule({
  part,
  at,
  rule,
  set,
}: {
  part: Part;
  at: number;
  rule: RuleDraft;
  set: (rule: RuleDraft | null) => void;
}): VNode {
  const { settings, rules } = t(),
    path = `opening.rules[${at}]`;
  const hours = ["hours", "hours.from", "hours.until"].map(name => part.wrong(`${path}.${name}`)).find(Boolean);
  return (
    <Group legend={rules.rule(at + 1)} wrong={part.wrong(path)} kind="rule">
      <div class="fields tight">
        <Field
          label={settings.least}
          unit="%"
          decimal
          disabled={part.disabled}
          value={rule.min}
          placeholder="0"
          wrong={part.wrong(`${path}.min`)}
          set={min => set({ ...rule, min })}
        />
        <Field
          label={settings.most}
          unit="%"
          decimal
          disabled={part.disabled}
          value={rule.max}
          placeholder="100"
          wrong={part.wrong(`${path}.max`)}
          set={max => set({ ...rule, max })}
        />
        <Group legend={rules.hours} wrong={hours} hint={rule.from || rule.until ? undefined : rules.anyHours}>
          <div class="row hours">
            <input
              type="time"
              aria-label={settings.from}
              aria-invalid={hours ? "true" : "false"}
              value={rule.from}
              disabled={part.disabled}
              onInput={event => set({ ...rule, from: event.currentTarget.value })}
            />
            –
            <input
              type="time"
              aria-label={settings.until}
              aria-invalid={hours ? "true" : "false"}
              value={rule.until}
              disabled={part.disabled}
              onInput={event => set({ ...rule, until: event.currentTarget.value })}
            />
          </div>
        </Group>
        <Season
          first={rule.first}
          last={rule.last}
          disabled={part.disabled}
          wrong={part.wrong(`${path}.season`)}
          set={(first, last) => set({ ...rule, first, last })}
        />
      </div>
      {part.disabled ? null : (
        <div class="row">
          <button type="button" onClick={() => set(null)}>
            {t().remove}
          </button>
        </div>
      )}
    </Group>
  );
}

export function OpeningRules({ part }: { part: Part }): VNode {
  const { draft, inherited } = part,
    { rules } = t(),
    own = draft.rules ?? [];
  const change = (at: number, rule: RuleDraft | null) => {
    const next = rule ? own.map((before, place) => (place === at ? rule : before)) : own.filter((_, place) => place !== at);
    part.set({ ...draft, rules: next.length ? next : null });
  };
  const holds = draft.rules ? [] : (inherited.opening?.rules ?? []);
  return (
    <div class="stack">
      {holds.length ? (
        <ul class="quiet">
          {holds.map(({ hours, season, min, max }, at) => (
            <li key={at}>
              {hours ? hoursWords(hours) : rules.always}
              {season ? `, ${dayOfYear(season.from)} – ${dayOfYear(season.until)}` : ""}: {percent(min ?? 0)} –{" "}
              {percent(max ?? 100)} ({part.from("opening.rules")})
            </li>
          ))}
        </ul>
      ) : null}
      {own.map((rule, at) => (
        <Rule key={at} part={part} at={at} rule={rule} set={changed => change(at, changed)} />
      ))}
      {part.wrong("opening.rules") ? <p class="wrong">{part.wrong("opening.rules")}</p> : null}
      {part.disabled || own.length >= MOST ? null : (
        <div class="row">
          <button type="button" onClick={() => part.set({ ...draft, rules: [...own, AT_NIGHT] })}>
            {rules.addRule}
          </button>
        </div>
      )}
    </div>
  );
}
