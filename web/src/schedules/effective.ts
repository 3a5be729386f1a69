// The settings in effect of each device, as far as they have been read.
import { useEffect, useState } from "preact/hooks";
import { ask, part } from "../api/client";
import type { DeviceSettings, DeviceView } from "../api/types";
import { afterSeen } from "../state/seen";
import { AGAIN_MS, mayPass } from "../view/useAsk";

const GONE = 404;

/**
 * Reads the settings of these devices, one after the other: a hundred rooms do not ask at once. `fail` hears why one could not be
 * read, and an empty text once all could; what may pass is tried again. Returns how to stop.
 */
export function readEach(
  device_ids: readonly string[],
  take: (device_id: string, settings: DeviceSettings) => void,
  fail: (why: string) => void,
): () => void {
  let gone = false,
    stop = () => undefined as void;
  const round = async (from: number, before: string): Promise<void> => {
    let why = before;
    for (let at = from; at < device_ids.length; at++) {
      const device_id = device_ids[at]!;
      try {
        const found = await ask<DeviceSettings>(`/devices/${part(device_id)}/settings`);
        if (gone) return;
        take(device_id, found);
      } catch (error) {
        if (gone) return;
        const { message, status = 0 } = error as Error & { status?: number };
        if (mayPass(status)) {
          fail(message);
          stop = afterSeen(() => void round(at, why), AGAIN_MS);
          return;
        }
        // One that went meanwhile is missed by nobody.
        if (status !== GONE) why = message;
      }
    }
    fail(why);
  };
  void round(0, "");
  return () => {
    gone = true;
    stop();
  };
}

/** The settings in effect of each device, asked for again where their version has changed. */
export function useEffective(rooms: readonly DeviceView[]): { known: Record<string, DeviceSettings>; failure: string } {
  const [known, set] = useState<Record<string, DeviceSettings>>({}),
    [failure, fail] = useState("");
  const versions = rooms.map(({ device_id, settings, location }) => `${device_id} ${settings.version} ${location}`).join("\n");
  useEffect(() => {
    const device_ids = versions.split("\n").flatMap(line => line.split(" ")[0] || []);
    return readEach(device_ids, (device_id, found) => set(before => ({ ...before, [device_id]: found })), fail);
  }, [versions]);
  return { known, failure };
}
