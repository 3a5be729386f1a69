// A person's wish for a window, from wherever on the page it is made.
import { ask, part } from "../api/client";
import type { Control } from "../api/types";
import { tomorrow } from "../compute/time";
import { amend } from "../state/devices";

const path = (device_id: string) => `/devices/${part(device_id)}/override`;

/** Moves a window and holds it there: for `for_s` seconds, `until` a time, or `forever`. */
export async function hold(device_id: string, wish: { position: number } & object): Promise<void> {
  amend(device_id, { control: await ask<Control>(path(device_id), { method: "PUT", body: wish }) });
}

/** Gives a window back. */
export async function resume(device_id: string): Promise<void> {
  amend(device_id, { control: await ask<Control>(path(device_id), { method: "DELETE" }) });
}

/** Until seven tomorrow, by the viewer's clock. */
export const untilTomorrow = (): { until: string } => ({ until: tomorrow(new Date()).toISOString() });
