// On the wall: rooms alone. Whoever touches it, moves a pointer or presses Escape finds the way back to the whole page.
import { effect, signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../text";

/** How long the way out stays after the last touch or movement. */
const AWAKE_MS = 5_000;

const isOnWall = signal(false);

/** Reads from the address whether this is a wall. */
export function watchWall(): void {
  isOnWall.value = new URLSearchParams(location.search).has("kiosk");
  effect(() => void document.documentElement.toggleAttribute("data-kiosk", isOnWall.value));
}

function leave(): void {
  history.replaceState(null, "", location.pathname + location.hash);
  isOnWall.value = false;
}

export function Kiosk(): VNode | null {
  const shown = isOnWall.value;
  useEffect(() => {
    if (!shown) return undefined;
    const root = document.documentElement;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wake = () => {
      root.toggleAttribute("data-awake", true);
      clearTimeout(timer);
      timer = setTimeout(() => root.toggleAttribute("data-awake", false), AWAKE_MS);
    };
    const onKey = (event: KeyboardEvent) => {
      // A dialog is closed by the same key.
      if (event.key === "Escape" && !document.querySelector("dialog[open]")) leave();
    };
    addEventListener("pointermove", wake);
    addEventListener("pointerdown", wake);
    addEventListener("keydown", onKey);
    return () => {
      clearTimeout(timer);
      root.toggleAttribute("data-awake", false);
      removeEventListener("pointermove", wake);
      removeEventListener("pointerdown", wake);
      removeEventListener("keydown", onKey);
    };
  }, [shown]);
  return shown ? (
    <button class="leave" onClick={leave}>
      {t().view.leave}
    </button>
  ) : null;
}
