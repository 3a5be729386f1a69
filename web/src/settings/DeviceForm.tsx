// How a device is set up: its name and place, its settings, and how far they have come to it.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import type { DeviceView, Settings } from "../api/types";
import { decidedBy } from "../compute/settings";
import { rulesPath } from "../router";
import { places, refetch } from "../state/devices";
import { mayChange } from "../state/session";
import { t } from "../text";
import { refusalIn, say } from "../view/sentences";
import { Field } from "./Field";
import { LevelForm } from "./LevelForm";
import type { Levels } from "./useLevel";

/** Characters of a name and of a place, as the API bounds them. */
const LONGEST = 200;

function Delivery({ device }: { device: DeviceView }): VNode {
  const { state, reason } = device.settings,
    { delivery } = t().settings;
  return (
    <p class={state === "refused" ? "wrong" : "quiet"} data-delivery={state}>
      {state === "refused" ? delivery.refused(say(reason ?? "")) : delivery[state]}
    </p>
  );
}

export function DeviceForm({ device }: { device: DeviceView }): VNode {
  const before = device.name === device.device_id ? "" : device.name;
  const [name, setName] = useState(before),
    [place, setPlace] = useState(device.location);
  const more = () => ({
    ...(name.trim() === before ? {} : { name: name.trim() || null }),
    ...(place.trim() === device.location ? {} : { location: place.trim() || null }),
  });
  // What comes from elsewhere says so; the rest is plain.
  const level = (key: keyof Settings, levels: Levels) => {
    const from = decidedBy(key, levels);
    return from === "group" || from === "defaults" ? t().settings.level[from] : "";
  };
  const disabled = !mayChange.value;
  return (
    <LevelForm
      place={{ kind: "device", device_id: device.device_id }}
      level={level}
      more={more}
      saved={() => refetch(device.device_id)}
    >
      {refused => (
        <>
          <Delivery device={device} />
          <p>
            <a href={rulesPath(device.device_id)}>{t().rules.ofRoom}</a>
          </p>
          <div class="fields">
            <Field
              label={t().settings.name}
              value={name}
              set={setName}
              most={LONGEST}
              placeholder={device.device_id}
              disabled={disabled}
              wrong={refused["name"] && refusalIn(refused["name"])}
            />
            <Field
              label={t().settings.place}
              value={place}
              set={setPlace}
              most={LONGEST}
              placeholder={t().settings.noPlace}
              disabled={disabled}
              list="places"
              wrong={refused["location"] && refusalIn(refused["location"])}
            />
            <datalist id="places">
              {places.value.map(known => (
                <option key={known} value={known} />
              ))}
            </datalist>
          </div>
        </>
      )}
    </LevelForm>
  );
}
