// Where in the page one is: the address's fragment, so that every service that has `/` has every screen.
import { signal } from "@preact/signals";

export type Screen = "rooms" | "room" | "devices" | "model" | "schedules" | "system" | "accounts" | "unknown";

export interface Route {
  screen: Screen;
  /** The device of a room, or the one whose schedules are shown. */
  device_id?: string;
}

const SCREENS = ["devices", "model", "schedules", "system", "accounts"] as const;

/** Reads a fragment; what is no screen is `unknown`. */
export function parse(fragment: string): Route {
  const [first = "", second = ""] = fragment.replace(/^#?\/?/, "").split("/");
  if (!first) return { screen: "rooms" };
  if (first === "rooms" && second) {
    const device_id = decoded(second);
    return device_id === null ? { screen: "unknown" } : { screen: "room", device_id };
  }
  const screen = SCREENS.find(name => name === first);
  if (screen === "schedules" && second) {
    const device_id = decoded(second);
    return device_id === null ? { screen: "unknown" } : { screen, device_id };
  }
  return { screen: screen ?? "unknown" };
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Where a device's schedules and interlocks are. */
export const rulesPath = (device_id: string): string => `#/schedules/${encodeURIComponent(device_id)}`;

export const roomPath = (device_id: string): string => `#/rooms/${encodeURIComponent(device_id)}`;

export const route = signal<Route>(typeof location === "undefined" ? { screen: "rooms" } : parse(location.hash));

export function watchAddress(): void {
  addEventListener("hashchange", () => {
    route.value = parse(location.hash);
    scrollTo(0, 0);
    // A screen reader goes on at the new screen's title.
    requestAnimationFrame(() => document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true }));
  });
}
