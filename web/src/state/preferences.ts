// What this viewer chose on this device. A browser that keeps nothing still shows the page.
import { signal, type Signal } from "@preact/signals";

export type Preference = "language" | "theme" | "unit" | "range";

const PREFIX = "casement.";
const known = new Map<Preference, Signal<string | null>>();

function stored(name: Preference): string | null {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return null;
  }
}

export function preference(name: Preference): Signal<string | null> {
  let found = known.get(name);
  if (!found) known.set(name, (found = signal(stored(name))));
  return found;
}

export function prefer(name: Preference, value: string | null): void {
  preference(name).value = value;
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    // Chosen for this visit only.
  }
}

/** The colours: on the root element, where the style sheet looks for them. */
export function applyTheme(): void {
  const theme = preference("theme").value;
  if (theme) document.documentElement.dataset["theme"] = theme;
  else delete document.documentElement.dataset["theme"];
}
