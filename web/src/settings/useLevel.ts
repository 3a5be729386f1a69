// One level's settings as a form changes them: a draft over what was read, saved by a merge patch under the revision that was read.
// What others change meanwhile is taken in beneath the draft, and told.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, askRevised, part, Refused } from "../api/client";
import type { DeviceSettings, Group, Settings } from "../api/types";
import { applied, differences, mergePatch, over, type Difference } from "../compute/settings";
import { versions } from "../state/devices";
import { t } from "../text";
import { afterSeen } from "../state/seen";
import { AGAIN_MS, mayPass } from "../view/useAsk";
import type { Wrong } from "./draft";

/** Whose settings: a device's, those of a location's devices, or those of all. */
export type Place = { kind: "device"; device_id: string } | { kind: "group"; location: string } | { kind: "defaults" };

/** The settings of every level that decides here. */
export interface Levels {
  own: Settings;
  group: Settings;
  defaults: Settings;
  /** The service's configuration. */
  service: Settings;
}

/** What holds where nothing is set here. */
export const above = ({ group, defaults, service }: Levels): Settings => over(group, over(defaults, service));

interface Base {
  levels: Levels;
  revision: string | null;
}

/** How a form holds settings. */
export interface Shape<D> {
  draftOf: (settings: Settings) => D;
  settingsOf: (draft: D, before: Settings) => { settings: Settings } | { wrong: Wrong };
  /** Mends what a merge of drafts cannot: lists whose entries have names. */
  mended?: (merged: D, drafts: { mine: D; before: D; after: D }) => D;
}

export interface Told {
  text: string;
  bad?: boolean;
}

/** The resource that a change is made to. */
export function pathOf(place: Place): string {
  if (place.kind === "device") return `/devices/${part(place.device_id)}`;
  return place.kind === "group" ? `/groups/${part(place.location)}` : "/settings";
}

let configured: Promise<Settings> | undefined;

// Who may not see the configuration sees the levels above it.
function service(): Promise<Settings> {
  return (configured ??= ask<{ windows?: Settings }>("/configuration").then(
    ({ windows }) => over((windows ?? {}) as Settings, {}),
    () => ((configured = undefined), {}),
  ));
}

const defaults = async () => (await ask<{ settings: Settings }>("/settings")).settings;

async function read(place: Place): Promise<Base> {
  const path = pathOf(place),
    nothing = {} as Settings;
  if (place.kind === "device") {
    const [{ value, revision }, configuration] = await Promise.all([askRevised<DeviceSettings>(`${path}/settings`), service()]);
    return { levels: { own: value.own, group: value.group, defaults: value.defaults, service: configuration }, revision };
  }
  if (place.kind === "defaults") {
    const [{ value, revision }, configuration] = await Promise.all([askRevised<{ settings: Settings }>(path), service()]);
    return { levels: { own: value.settings, group: nothing, defaults: nothing, service: configuration }, revision };
  }
  const [{ value, revision }, general, configuration] = await Promise.all([
    // A place where no device is and for which nothing is set is none yet.
    askRevised<{ settings: Settings } | Group>(path).catch((error: unknown) => {
      if (error instanceof Refused && error.status === 404) return { value: { settings: nothing }, revision: null };
      throw error;
    }),
    defaults(),
    service(),
  ]);
  return { levels: { own: value.settings, group: nothing, defaults: general, service: configuration }, revision };
}

const same = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other);

/** A draft over what somebody else has written meanwhile: what a person has touched stays theirs. */
export function rebased<D>(shape: Shape<D>, draft: D, before: Settings, after: Settings): D {
  const base = shape.draftOf(before),
    touched = mergePatch(base, draft),
    fresh = shape.draftOf(after);
  if (touched === undefined) return fresh;
  const merged = applied(fresh, touched) as D;
  return shape.mended?.(merged, { mine: draft, before: base, after: fresh }) ?? merged;
}

export interface Form<D> {
  levels: Levels | null;
  failure: string;
  draft: D | null;
  set: (draft: D) => void;
  /** What the form itself finds wrong, by path. */
  wrong: Wrong;
  /** What the API refuses, by path, in its words. */
  refused: Record<string, string>;
  told: Told | null;
  /** What somebody else has changed under the draft. */
  conflict: Difference[];
  isTouched: boolean;
  busy: boolean;
  save: (more?: Record<string, unknown>) => Promise<boolean>;
  /** Forgets the draft. */
  revert: () => void;
}

/** The paths of an answer's errors as settings name them. */
function pathsOf(fields: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([path, detail]) => [path.replace(/^settings\./, ""), detail]));
}

/** The form of one level. Another level, or another unit, is another form: whoever uses it gives it a key. */
export function useLevel<D>(place: Place, shape: Shape<D>): Form<D> {
  const path = pathOf(place);
  const [base, setBase] = useState<Base | null>(null),
    [draft, setDraft] = useState<D | null>(null);
  const [wrong, setWrong] = useState<Wrong>({}),
    [refused, refuse] = useState<Record<string, string>>({});
  const [told, tell] = useState<Told | null>(null),
    [conflict, differ] = useState<Difference[]>([]),
    [failure, fail] = useState(""),
    [round, next] = useState(0),
    [busy, work] = useState(false);
  // What an answer that comes later finds.
  const now = useRef({ base, draft, isSaving: false });
  Object.assign(now.current, { base, draft });

  const take = (found: Base, fresh: D | null) => {
    setBase(found);
    if (fresh !== null) setDraft(fresh);
    fail("");
  };
  /** Reads what is set; a draft that was touched is laid over it. */
  const load = async (): Promise<Difference[]> => {
    const found = await read(place);
    const { base: before, draft: present } = now.current;
    if (!before || present === null || same(present, shape.draftOf(before.levels.own))) {
      take(found, shape.draftOf(found.levels.own));
      return [];
    }
    const changed = differences(before.levels.own, found.levels.own);
    take(found, changed.length ? rebased(shape, present, before.levels.own, found.levels.own) : null);
    if (changed.length) differ(changed);
    return changed;
  };
  const version = versions.value;
  useEffect(() => {
    if (now.current.isSaving) return undefined;
    let stop = () => undefined as void;
    load().then(
      changed => changed.length && tell({ text: t().rules.meanwhile, bad: true }),
      (error: unknown) => {
        if (now.current.base) return;
        fail(error instanceof Error ? error.message : String(error));
        if (error instanceof Refused && mayPass(error.status)) stop = afterSeen(() => next(count => count + 1), AGAIN_MS);
      },
    );
    return () => stop();
  }, [path, version, round]);
  const save = async (more: Record<string, unknown> = {}): Promise<boolean> => {
    if (!base || draft === null) return false;
    const found = shape.settingsOf(draft, base.levels.own);
    refuse({});
    setWrong("wrong" in found ? found.wrong : {});
    if ("wrong" in found) {
      tell({ text: t().rules.unusable, bad: true });
      return false;
    }
    const settings = mergePatch(base.levels.own, found.settings),
      body = { ...more, ...(settings === undefined ? {} : { settings }) };
    if (!Object.keys(body).length) {
      tell({ text: t().settings.nothing });
      return false;
    }
    work(true);
    now.current.isSaving = true;
    try {
      await ask(path, { method: "PATCH", body, ifMatch: base.revision });
      const fresh = await read(place);
      take(fresh, shape.draftOf(fresh.levels.own));
      differ([]);
      tell({ text: t().saved });
      return true;
    } catch (error) {
      await failed(error);
      return false;
    } finally {
      now.current.isSaving = false;
      work(false);
    }
  };
  const failed = async (error: unknown) => {
    if (!(error instanceof Refused)) return tell({ text: String(error), bad: true });
    if (error.status === 412) {
      await load().catch(() => undefined);
      return tell({ text: t().rules.meanwhile, bad: true });
    }
    const fields = pathsOf(error.fields);
    refuse(fields);
    tell({ text: Object.keys(fields).length ? t().rules.refused : error.message, bad: true });
  };
  const revert = () => {
    if (base) setDraft(shape.draftOf(base.levels.own));
    setWrong({});
    refuse({});
    differ([]);
    tell(null);
  };
  const isTouched = !!base && draft !== null && !same(draft, shape.draftOf(base.levels.own));
  return {
    levels: base?.levels ?? null,
    failure,
    draft,
    set: changed => (setDraft(changed), told && !told.bad ? tell(null) : undefined),
    wrong,
    refused,
    told,
    conflict,
    isTouched,
    busy,
    save,
    revert,
  };
}
