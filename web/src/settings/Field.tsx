// A field of a form: its label, what is in it, what is wrong with it.
import type { ComponentChildren, VNode } from "preact";
import { useId } from "preact/hooks";

interface Props {
  label: string;
  value: string;
  set: (value: string) => void;
  wrong?: string | undefined;
  hint?: string | undefined;
  unit?: string;
  decimal?: boolean;
  maxLength?: number;
  placeholder?: string | undefined;
  disabled?: boolean;
  list?: string | undefined;
  name?: string;
}

export function Field({ label, value, set, wrong, hint, unit, decimal, ...rest }: Props): VNode {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <div class="entry">
        <input
          id={id}
          type="text"
          value={value}
          inputMode={decimal ? "decimal" : "text"}
          autoComplete="off"
          aria-invalid={wrong ? "true" : "false"}
          aria-describedby={wrong || hint ? `${id}-told` : undefined}
          onInput={event => set(event.currentTarget.value)}
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
