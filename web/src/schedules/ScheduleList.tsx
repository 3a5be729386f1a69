// Schedules of one level: its own to change, those of the levels above to see, to take over or to switch off here.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ScheduleState } from "../api/types";
import { Field, Group } from "../settings/Field";
import { BEGINNINGS, DAYS, rulesDraftOf, VALUES, type Day, type ScheduleDraft, type ScheduleKind } from "../settings/rules";
import { dateTime, localeInUse, t, temperatureUnit } from "../text";
import { scheduleWords } from "../view/sentences";
import type { Part } from "./RulesForm";
import { Moment, Season } from "./Season";
import { scheduleSummary } from "./summary";

const MOST = 16;
const MAX_NAME = 64;

/** What it does now and when it comes next. */
export function Next({ state }: { state: ScheduleState | undefined }): VNode | null {
  const { schedules: texts, rules } = t();
  if (!state) return null;
  const why = state.text ? scheduleWords(state.text) : "";
  return (
    <small class={state.active ? "good" : ""} data-next={state.name}>
      {state.active
        ? texts.active(state.until ? dateTime(state.until) : "…")
        : state.next
          ? `${texts.next}: ${dateTime(state.next)}`
          : rules.nextUnknown}
      {why ? ` · ${why}` : ""}
    </small>
  );
}

function dayName(day: Day): string {
  // 2024-01-01 was a Monday.
  return new Intl.DateTimeFormat(localeInUse(), { weekday: "short", timeZone: "UTC" }).format(
    Date.UTC(2024, 0, 1 + DAYS.indexOf(day)),
  );
}

function Days({ days, set, disabled }: { days: Day[]; set: (days: Day[]) => void; disabled: boolean }): VNode {
  const { rules } = t();
  return (
    <Group legend={rules.days} hint={days.length ? undefined : rules.everyDay}>
      <div class="choices days">
        {DAYS.map(day => (
          <button
            key={day}
            type="button"
            disabled={disabled}
            aria-pressed={days.includes(day)}
            onClick={() => set(days.includes(day) ? days.filter(other => other !== day) : [...days, day])}
          >
            {dayName(day)}
          </button>
        ))}
      </div>
    </Group>
  );
}

const UNITS: Record<string, string> = { humidity_above: "%", co2_above: "ppm", for_s: "min", every_s: "min", position: "%" };
const USUAL: Partial<Record<ScheduleKind, Record<string, string>>> = {
  airing: { for_s: "5", every_s: "120", position: "100" },
  night_cooling: { position: "100" },
  fixed: { for_s: "60" },
};

function ScheduleFields({
  part,
  at,
  schedule,
  set,
}: {
  part: Part;
  at: number;
  schedule: ScheduleDraft;
  set: (schedule: ScheduleDraft) => void;
}): VNode {
  const { rules } = t(),
    path = `schedules.${schedule.name.trim()}`,
    { disabled } = part;
  const degrees = `°${temperatureUnit.value}`,
    isF = temperatureUnit.value === "F";
  const usual = { indoor_above: isF ? "75.2" : "24", colder_by: isF ? "3.6" : "2", ...USUAL[schedule.kind] } as Record<
    string,
    string
  >;
  const change = (name: string, value: string) => set({ ...schedule, values: { ...schedule.values, [name]: value } });
  return (
    <div class="fields tight">
      <Field
        label={rules.name}
        most={MAX_NAME}
        disabled={disabled}
        value={schedule.name}
        wrong={part.wrong(`schedules[${at}].name`)}
        set={name => set({ ...schedule, name })}
      />
      {Object.entries(VALUES[schedule.kind]).map(([name, { kind }]) =>
        kind === "word" ? (
          <Moment
            key={name}
            label={rules.value[name]!}
            value={schedule.values[name] ?? ""}
            disabled={disabled}
            wrong={part.wrong(`${path}.${name}`)}
            set={value => change(name, value)}
          />
        ) : (
          <Field
            key={name}
            label={rules.value[name]!}
            unit={UNITS[name] ?? degrees}
            decimal
            disabled={disabled}
            value={schedule.values[name] ?? ""}
            placeholder={usual[name]}
            wrong={part.wrong(`${path}.${name}`)}
            set={value => change(name, value)}
          />
        ),
      )}
      <Days days={schedule.days} disabled={disabled} set={days => set({ ...schedule, days })} />
      <Season
        first={schedule.first}
        last={schedule.last}
        disabled={disabled}
        wrong={part.wrong(`${path}.season`)}
        set={(first, last) => set({ ...schedule, first, last })}
      />
    </div>
  );
}

/** A name that is not there yet. */
function fresh(wanted: string, taken: readonly string[]): string {
  let name = wanted;
  for (let count = 2; taken.includes(name); count++) name = `${wanted} ${count}`;
  return name;
}

export function ScheduleList({ part, now }: { part: Part; now: ScheduleState[] }): VNode {
  const { draft, inherited, disabled } = part,
    { rules } = t(),
    [open, show] = useState<number | null>(null);
  // What was read anew may have another order.
  useEffect(() => show(null), [part.levels]);
  const own = draft.schedules,
    names = own.map(({ name }) => name.trim());
  const set = (schedules: ScheduleDraft[]) => part.set({ ...draft, schedules });
  const add = (schedule: ScheduleDraft) => (set([...own, schedule]), show(own.length));
  const others = rulesDraftOf(inherited, temperatureUnit.value).schedules.filter(({ name }) => !names.includes(name));
  const state = (name: string) => now.find(each => each.name === name);
  return (
    <div class="stack">
      {own.length || others.length ? null : <p class="quiet">{rules.noSchedules}</p>}
      <ul class="entries">
        {own.map((schedule, at) => {
          const wrong = part.wrong(`schedules.${schedule.name.trim()}`) ?? part.wrong(`schedules.${schedule.name.trim()}.kind`);
          // What is wrong is open.
          const isWrong = wrong || part.wrong(`schedules[${at}].name`);
          return (
            <li key={at} class="entry-of" data-schedule={schedule.name}>
              <div class="row head">
                <div>
                  <h3>{schedule.name || rules.nameless}</h3>
                  <p class="quiet">{scheduleSummary(schedule)}</p>
                  <Next state={state(schedule.name)} />
                </div>
                <div class="row">
                  {schedule.kind === "off" ? null : (
                    <button type="button" aria-expanded={open === at} onClick={() => show(open === at ? null : at)}>
                      {disabled ? rules.look : rules.change}
                    </button>
                  )}
                  {disabled ? null : (
                    <button type="button" onClick={() => (set(own.filter((_, place) => place !== at)), show(null))}>
                      {t().remove}
                    </button>
                  )}
                </div>
              </div>
              {open === at || isWrong || hasWrong(part, schedule) ? (
                <ScheduleFields
                  part={part}
                  at={at}
                  schedule={schedule}
                  set={changed => set(own.map((before, place) => (place === at ? changed : before)))}
                />
              ) : null}
              {wrong ? (
                <p class="wrong" role="alert">
                  {wrong}
                </p>
              ) : null}
            </li>
          );
        })}
        {others.map(schedule => (
          <li key={schedule.name} class="entry-of" data-schedule={schedule.name}>
            <div class="row head">
              <div>
                <h3>{schedule.name}</h3>
                <p class="quiet">
                  {scheduleSummary(schedule)} · {part.from(`schedules.${schedule.name}`)}
                </p>
                <Next state={state(schedule.name)} />
              </div>
              {disabled ? null : (
                <div class="row">
                  <button type="button" onClick={() => add(schedule)}>
                    {rules.changeHere}
                  </button>
                  {schedule.kind === "off" ? null : (
                    <button type="button" onClick={() => set([...own, { ...schedule, kind: "off", values: {} }])}>
                      {rules.offHere}
                    </button>
                  )}
                </div>
              )}
            </div>
          </li>
        ))}
      </ul>
      {part.wrong("schedules") ? <p class="wrong">{part.wrong("schedules")}</p> : null}
      {disabled || own.length >= MOST ? null : (
        <div class="row">
          {(["airing", "night_cooling", "fixed"] as const).map(kind => (
            <button
              key={kind}
              type="button"
              onClick={() =>
                add({
                  name: fresh(rules.kindName[kind], [...names, ...others.map(({ name }) => name)]),
                  kind,
                  days: [],
                  first: "",
                  last: "",
                  values: { ...BEGINNINGS[kind] },
                })
              }
            >
              {rules.add[kind]}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

function hasWrong(part: Part, { name, kind }: ScheduleDraft): boolean {
  return ["season", "days", ...Object.keys(VALUES[kind])].some(value => part.wrong(`schedules.${name.trim()}.${value}`));
}
