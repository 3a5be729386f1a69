// A field of a form: its label, what is in it, what is wrong with it.
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import { number, t } from "../text";

interface Props {
  label: string;
  value: string;
  set: (value: string) => void;
  wrong?: string | undefined;
  hint?: string | undefined;
  unit?: string;
  decimal?: boolean;
  /** The most characters; what has more is told and not sent. Nothing is cut off. */
  most?: number;
  placeholder?: string | undefined;
  disabled?: boolean;
  list?: string | undefined;
  name?: string;
}

/** Opens the parts around an element that are folded: nobody goes to what is hidden. */
export function unfold(element: Element): void {
  for (let around = element.closest("details"); around; around = around.parentElement?.closest("details") ?? null)
    around.open = true;
}

export function Field({ label, value, set, wrong: told, hint, unit, decimal, most, ...rest }: Props): VNode {
  const id = useId(),
    input = useRef<HTMLInputElement>(null);
  const long = most !== undefined && [...value.trim()].length > most ? t().settings.wrong.long(number(most)) : "",
    wrong = long || told;
  // A browser does not send a form with this, and goes to the field.
  useEffect(() => input.current?.setCustomValidity(long), [long]);
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="entry">
        <input
          ref={input}
          id={id}
          type="text"
          value={value}
          inputMode={decimal ? "decimal" : "text"}
          autoComplete="off"
          aria-invalid={wrong ? "true" : "false"}
          aria-describedby={wrong || hint ? `${id}-told` : undefined}
          onInput={event => set(event.currentTarget.value)}
          onInvalid={event => unfold(event.currentTarget)}
          {...rest}
        />
        {unit ? <span class="quiet">{unit}</span> : null}
      </div>
      {wrong || hint ? (
        <p id={`${id}-told`} class={wrong ? "wrong" : "hint"}>
          {wrong || hint}
        </p>
      ) : null}
    </div>
  );
}

export function Check({
  label,
  checked,
  set,
  disabled,
  hint,
}: {
  label: string;
  checked: boolean;
  set: (value: boolean) => void;
  disabled?: boolean;
  hint?: string | undefined;
}): VNode {
  return (
    <div class="field">
      <label class="check">
        <input type="checkbox" checked={checked} disabled={disabled} onChange={event => set(event.currentTarget.checked)} />
        {label}
      </label>
      {hint ? <p class="hint">{hint}</p> : null}
    </div>
  );
}

export function Group({
  legend,
  hint,
  wrong,
  kind,
  children,
}: {
  legend: string;
  hint?: string | undefined;
  wrong?: string | undefined;
  /** A class of its look. */
  kind?: string;
  children: ComponentChildren;
}): VNode {
  return (
    <fieldset class={kind ? `field ${kind}` : "field"}>
      <legend>{legend}</legend>
      {children}
      {wrong ? (
        <p class="wrong" role="alert">
          {wrong}
        </p>
      ) : null}
      {hint ? <p class="hint">{hint}</p> : null}
    </fieldset>
  );
}

/** One of several values; the first may stand for what holds otherwise. */
export function Pick({
  label,
  value,
  set,
  options,
  wrong,
  hint,
  disabled,
}: {
  label: string;
  value: string;
  set: (value: string) => void;
  options: readonly (readonly [value: string, text: string])[];
  wrong?: string | undefined;
  hint?: string | undefined;
  disabled?: boolean;
}): VNode {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <select
        id={id}
        value={value}
        disabled={disabled}
        aria-invalid={wrong ? "true" : "false"}
        aria-describedby={wrong || hint ? `${id}-told` : undefined}
        onChange={event => set(event.currentTarget.value)}
      >
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
      {wrong || hint ? (
        <p id={`${id}-told`} class={wrong ? "wrong" : "hint"}>
          {wrong || hint}
        </p>
      ) : null}
    </div>
  );
}
