// Everything that limits a window or moves it by itself, for one device, one place or all: what is set, and what holds otherwise.
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { ScheduleState, Settings } from "../api/types";
import { over, valueAt } from "../compute/settings";
import { Conflict, SaveRow } from "../settings/Conflict";
import { Field, Group, Pick } from "../settings/Field";
import { FIELDS, mendedRules, rulesDraftOf, rulesOf, written, type RulesDraft } from "../settings/rules";
import { Quiet, wrongWords } from "../settings/SettingsFields";
import { above, pathOf, useLevel, type Form, type Levels, type Place, type Shape } from "../settings/useLevel";
import { choices } from "../state/devices";
import { mayChange } from "../state/session";
import { hours, t, temperatureUnit } from "../text";
import { Interlocks } from "./Interlocks";
import { OpeningRules } from "./OpeningRules";
import { ScheduleList } from "./ScheduleList";

/** What the parts of the form share. */
export interface Part {
  draft: RulesDraft;
  set: (draft: RulesDraft) => void;
  /** What is wrong at a path, in words. */
  wrong: (path: string) => string | undefined;
  levels: Levels;
  /** Whose settings these are. */
  place: Place;
  /** What holds where nothing is set here. */
  inherited: Settings;
  /** Where a value comes from that is not set here, in words. */
  from: (path: string) => string | undefined;
  /** Where it would come from if it were not set here, in words; undefined where no level says anything. */
  above: (path: string) => string | undefined;
  disabled: boolean;
}

function useShape(): Shape<RulesDraft> {
  const unit = temperatureUnit.value;
  return useMemo(
    () => ({
      draftOf: settings => rulesDraftOf(settings, unit),
      settingsOf: (draft, before) => rulesOf(draft, before, unit),
      mended: mendedRules,
    }),
    [unit],
  );
}

/** Where a path is decided, of the levels above. */
function origin(path: string, { group, defaults, service }: Levels): "group" | "defaults" | "service" | null {
  if (valueAt(group, path) != null) return "group";
  if (valueAt(defaults, path) != null) return "defaults";
  return valueAt(service, path) != null ? "service" : null;
}

export function partOf(form: Form<RulesDraft>, place: Place): Part | null {
  const { draft, levels } = form;
  if (!draft || !levels) return null;
  const { rules } = t();
  const words = (path: string) => {
    const where = origin(path, levels);
    return where ? rules.level[where] : undefined;
  };
  return {
    draft,
    set: form.set,
    wrong: path => wrongWords(form.wrong, path, form.refused),
    levels,
    place,
    inherited: above(levels),
    from: path => (valueAt(levels.own, path) == null ? words(path) : undefined),
    above: words,
    disabled: !mayChange.value,
  };
}

/** A number or a word at a path. `usual` is what holds where no level says anything, as its field shows it. */
export function Value({
  part,
  path,
  label,
  unit,
  usual,
}: {
  part: Part;
  path: string;
  label: string;
  unit?: string;
  usual?: string;
}): VNode {
  const kind = FIELDS[path]!.kind,
    isNumber = kind !== "word" && kind !== "names";
  return (
    <Field
      label={label}
      {...(unit ? { unit } : {})}
      decimal={isNumber}
      most={isNumber ? 12 : 400}
      disabled={part.disabled}
      name={path}
      value={part.draft.texts[path] ?? ""}
      placeholder={written(valueAt(part.inherited, path), kind, temperatureUnit.value) || usual}
      hint={part.from(path)}
      wrong={part.wrong(path)}
      set={text => part.set({ ...part.draft, texts: { ...part.draft.texts, [path]: text } })}
    />
  );
}

/** A choice at a path; the first option leaves it to the levels above and says what they say. */
export function Choice({
  part,
  path,
  label,
  options,
  usual,
}: {
  part: Part;
  path: string;
  label: string;
  options: readonly (readonly [string, string])[];
  usual: string;
}): VNode {
  const { rules } = t(),
    holds = written(valueAt(part.inherited, path), FIELDS[path]!.kind, "C") || usual;
  const words = options.find(([value]) => value === holds)?.[1] ?? holds;
  return (
    <Pick
      label={label}
      value={part.draft.texts[path] ?? ""}
      disabled={part.disabled}
      wrong={part.wrong(path)}
      options={[["", rules.inherited(words, part.above(path) ?? rules.usual)], ...options]}
      set={value => part.set({ ...part.draft, texts: { ...part.draft.texts, [path]: value } })}
    />
  );
}

/** One of the devices, or nothing. */
export function DevicePick({ part, path, label, none }: { part: Part; path: string; label: string; none: string }): VNode {
  const chosen = part.draft.texts[path] ?? "",
    holds = String(valueAt(part.inherited, path) ?? "");
  return <Choice part={part} path={path} label={label} options={choices(chosen, holds)} usual={none} />;
}

/** A part of the form: open where there is room, folded on a telephone, where all of them are several screens long. */
export function Section({ title, why, children }: { title: string; why?: string; children: ComponentChildren }): VNode {
  const isOpen = useMemo(() => !matchMedia(NARROW).matches, []);
  return (
    <section class="panel rules" aria-label={title}>
      <details open={isOpen}>
        <summary>
          <h2>{title}</h2>
        </summary>
        <div class="stack">
          {why ? <p class="quiet">{why}</p> : null}
          {children}
        </div>
      </details>
    </section>
  );
}

/** As in the style sheets. */
const NARROW = "(max-width: 44rem)";

const SHOWN = /^(quiet_hours|opening\.rules|schedules|interlocks)(\W|$)/;

function Still({ part }: { part: Part }): VNode {
  const { settings } = t(),
    { draft, inherited, levels } = part;
  const holds = inherited.quiet_hours?.map(hours).join(", ");
  const wrong = (draft.quiet ?? []).map((_, at) =>
    ["", ".from", ".until"].map(end => part.wrong(`quiet_hours[${at}]${end}`)).find(Boolean),
  );
  return (
    <Group
      legend={settings.quiet}
      hint={levels.own.quiet_hours ? undefined : part.from("quiet_hours")}
      wrong={part.wrong("quiet_hours") ?? wrong.find(Boolean)}
    >
      {draft.quiet?.length ? null : <p class="quiet">{holds || t().rules.noQuiet}</p>}
      <Quiet hours={draft.quiet} disabled={part.disabled} set={quiet => part.set({ ...draft, quiet })} />
    </Group>
  );
}

interface Props {
  place: Place;
  /** What its schedules do now. */
  schedules: ScheduleState[];
  saved: () => void;
}

function Known({ place, schedules, saved }: Props): VNode {
  const form = useLevel(place, useShape()),
    part = partOf(form, place),
    { rules, settings } = t();
  if (form.failure) return <p class="notice">{t().failed(form.failure)}</p>;
  if (!part) return <p class="quiet">{t().loading}</p>;
  const save = async (event: Event) => {
    event.preventDefault();
    if (await form.save()) saved();
  };
  return (
    <form class="stack" onSubmit={event => void save(event)} aria-label={rules.form}>
      <Conflict form={form} />
      <Section title={rules.opening} why={rules.openingWhy}>
        <div class="fields">
          <Value part={part} path="opening.min" label={settings.least} unit="%" usual="0" />
          <Value part={part} path="opening.max" label={settings.most} unit="%" usual="100" />
          <Still part={part} />
        </div>
        <OpeningRules part={part} />
      </Section>
      <Section title={rules.schedules} why={rules.schedulesWhy}>
        <ScheduleList part={part} now={schedules} />
      </Section>
      <Section title={rules.interlocks} why={rules.interlocksWhy}>
        <Interlocks part={part} effective={over(part.levels.own, part.inherited)} />
      </Section>
      <Section title={rules.byHand}>
        <div class="fields">
          <Value part={part} path="override_s" label={rules.field.override_s!} unit="min" usual="120" />
          <Value part={part} path="min_interval_s" label={rules.field.min_interval_s!} unit="s" usual="60" />
          <Value part={part} path="min_move" label={rules.field.min_move!} unit="%" usual="5" />
          <Value part={part} path="tolerance" label={rules.field.tolerance!} unit="%" usual="2" />
        </div>
      </Section>
      <Section title={rules.where} why={rules.whereWhy}>
        <div class="fields">
          <DevicePick part={part} path="outdoor_sensor" label={rules.field.outdoor_sensor!} none={rules.noSensor} />
          <Value part={part} path="time_zone" label={settings.zone} usual={rules.machineZone} />
          <Value part={part} path="latitude" label={rules.field.latitude!} unit="°" />
          <Value part={part} path="longitude" label={rules.field.longitude!} unit="°" />
        </div>
      </Section>
      <div class={form.isTouched || form.told?.bad ? "panel bar touched" : "panel bar"}>
        <SaveRow form={form} isShown={path => path in FIELDS || SHOWN.test(path)} />
      </div>
    </form>
  );
}

export function RulesForm(props: Props): VNode {
  return <Known key={pathOf(props.place) + temperatureUnit.value} {...props} />;
}
