// What a form says of its changes: what somebody else has changed meanwhile, how to save, what came of it.
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { mayChange } from "../state/session";
import { t } from "../text";
import { refusalIn } from "../view/sentences";
import { settingName, settingValue } from "./names";
import { unfold } from "./Field";
import type { Form } from "./useLevel";

/** What somebody else changed under the draft, setting by setting. */
export function Conflict<D>({ form }: { form: Form<D> }): VNode | null {
  const { rules } = t();
  if (!form.conflict.length) return null;
  return (
    <div class="notice conflict" role="alert">
      <p>
        <strong>{rules.conflict}</strong> {rules.conflictWhy}
      </p>
      <ul>
        {form.conflict.map(({ path, before, after }) => (
          <li key={path}>
            {settingName(path)}: <del>{settingValue(path, before)}</del> → <ins>{settingValue(path, after)}</ins>
          </li>
        ))}
      </ul>
    </div>
  );
}

/** The way to save. `isShown`: whether the form has a place for what is said of a path. */
export function SaveRow<D>({ form, isShown }: { form: Form<D>; isShown: (path: string) => boolean }): VNode {
  const row = useRef<HTMLDivElement>(null),
    { rules } = t();
  // What cannot be used is where the keyboard goes.
  useEffect(() => {
    if (!form.told?.bad) return;
    const first = row.current?.closest("form")?.querySelector<HTMLElement>("[aria-invalid=true]");
    if (!first) return;
    unfold(first);
    first.focus();
  }, [form.told]);
  if (!mayChange.value) return <p class="quiet">{t().session.readOnly}</p>;
  const elsewhere = Object.entries(form.refused).filter(([path]) => !isShown(path));
  return (
    <div class="row save" ref={row}>
      <button class="main" disabled={form.busy}>
        {t().save}
      </button>
      {form.isTouched ? (
        <button type="button" disabled={form.busy} onClick={form.revert}>
          {rules.revert}
        </button>
      ) : null}
      {form.told ? (
        <span role="status" class={form.told.bad ? "wrong" : "good"}>
          {form.told.text}
          {elsewhere.map(([path, detail]) => ` ${settingName(path)} ${refusalIn(detail)}.`)}
        </span>
      ) : null}
    </div>
  );
}
