// A form that changes one resource by a merge patch, if nobody else has changed it meanwhile.
import type { ComponentChildren, VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Settings } from "../api/types";
import { over } from "../compute/settings";
import { quantities } from "../state/devices";
import { mayChange } from "../state/session";
import { t, temperatureUnit } from "../text";
import { Conflict, SaveRow } from "./Conflict";
import { draftOf, settingsOf, type Draft } from "./draft";
import { SettingsFields } from "./SettingsFields";
import { above, pathOf, useLevel, type Levels, type Place, type Shape } from "./useLevel";

interface Props {
  place: Place;
  /** Where a setting comes from, in words. */
  level?: (name: keyof Settings, levels: Levels) => string;
  /** What else of the resource changes with it. */
  more?: () => Record<string, unknown>;
  saved?: () => void;
  /** Fields above these, with what the API said of them. */
  children?: (refused: Record<string, string>) => ComponentChildren;
}

/** What this form, or the one around it, has a field for. */
const SHOWN =
  /^(name|location|opening\.(min|max)|quiet_hours|time_zone|(report_interval|clip_interval|clip_length|motor_travel)_s|(thresholds|calibration)\.\w+)$/;

function useShape(): Shape<Draft> {
  const unit = temperatureUnit.value,
    known = quantities.value;
  return useMemo(
    () => ({
      draftOf: settings => draftOf(settings, unit),
      settingsOf: (draft, before) => settingsOf(draft, before, known, unit),
    }),
    [unit, known],
  );
}

export function LevelForm(props: Props): VNode {
  return <Known key={pathOf(props.place) + temperatureUnit.value} {...props} />;
}

function Known({ place, level, more, saved, children }: Props): VNode {
  const form = useLevel(place, useShape()),
    { draft, levels } = form;
  if (form.failure) return <p class="wrong">{t().failed(form.failure)}</p>;
  if (!draft || !levels) return <p class="quiet">{t().loading}</p>;
  const save = async (event: Event) => {
    event.preventDefault();
    if (await form.save(more?.())) saved?.();
  };
  const disabled = !mayChange.value;
  return (
    <form class="stack settings" onSubmit={event => void save(event)}>
      {children?.(form.refused)}
      <Conflict form={form} />
      <SettingsFields
        draft={draft}
        set={form.set}
        wrong={form.wrong}
        refused={form.refused}
        disabled={disabled}
        effective={over(levels.own, above(levels))}
        {...(level ? { level: (name: keyof Settings) => level(name, levels) } : {})}
      />
      <SaveRow form={form} isShown={path => SHOWN.test(path)} />
    </form>
  );
}
