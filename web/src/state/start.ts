// The first questions. A service that does not answer yet is asked again.
import { signal } from "@preact/signals";
import { Refused } from "../api/client";
import { greet } from "./session";

/** Why nothing can be shown so far. */
export const hindrance = signal<string | null>(null);

const PAUSE_MS = 2_000;

export async function startUp(load: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      await Promise.all([greet(), load()]);
      hindrance.value = null;
      return;
    } catch (error) {
      hindrance.value = error instanceof Error ? error.message : String(error);
      if (error instanceof Refused && error.status === 401) return;
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS));
    }
  }
}
