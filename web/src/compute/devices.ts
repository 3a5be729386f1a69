// A device's state as several sources tell it. Pure.
import type { DeviceView, Latest } from "../api/types";

/** Whether a time lies before that of a value: what comes late is history, and no longer how it is. */
export const isOlder = (timestamp: string, latest: Latest | null | undefined): boolean =>
  !!latest && Date.parse(timestamp) < Date.parse(latest.timestamp);

/** An answer about a device, with the values that came by the stream while it was on its way. */
export function merged(answer: DeviceView, before: DeviceView | undefined): DeviceView {
  if (!before) return answer;
  const newer = Object.entries(before.readings).filter(([name, value]) => {
    const answered = answer.readings[name];
    return answered && isOlder(answered.timestamp, value);
  });
  const moved = answer.window && isOlder(answer.window.timestamp, before.window);
  if (!newer.length && !moved) return answer;
  return {
    ...answer,
    readings: { ...answer.readings, ...Object.fromEntries(newer) },
    ...(moved ? { window: before.window } : {}),
  };
}
