// How this viewer wants to see the page: language, colours, unit.
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { applyTheme, prefer, preference } from "../state/preferences";
import { LANGUAGES, languageInUse, speak, t, temperatureUnit, type Language } from "../text";

function Choice({
  label,
  value,
  options,
  choose,
}: {
  label: string;
  value: string;
  options: [string, string][];
  choose: (value: string) => void;
}): VNode {
  return (
    <label>
      {label}
      <select value={value} onChange={event => choose(event.currentTarget.value)}>
        {options.map(([key, text]) => (
          <option key={key} value={key}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function View(): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const { view } = t();
  const setTheme = (value: string) => {
    prefer("theme", value || null);
    applyTheme();
  };
  const setLanguage = (value: string) => {
    prefer("language", value);
    void speak(value as Language);
  };
  return (
    <>
      <button class="plain" onClick={() => dialog.current?.showModal()}>
        {view.title}
      </button>
      <dialog
        ref={dialog}
        class="small"
        aria-label={view.title}
        onClick={event => event.target === dialog.current && dialog.current?.close()}
      >
        <form method="dialog">
          <h2>{view.title}</h2>
          <Choice label={view.language} value={languageInUse()} options={Object.entries(LANGUAGES)} choose={setLanguage} />
          <Choice
            label={view.theme}
            value={preference("theme").value ?? ""}
            options={[
              ["", view.auto],
              ["light", view.light],
              ["dark", view.dark],
              ["contrast", view.contrast],
            ]}
            choose={setTheme}
          />
          <Choice
            label={view.unit}
            value={temperatureUnit.value}
            options={[
              ["C", "°C"],
              ["F", "°F"],
            ]}
            choose={value => prefer("unit", value)}
          />
          <p>
            <a href="/?kiosk">{view.kiosk}</a>
          </p>
          <button class="main">{t().close}</button>
        </form>
      </dialog>
    </>
  );
}
