// When windows keep still, how far they may open, what moves or closes them by itself: as it is in each room, and to change.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { DeviceView, Group, ScheduleState } from "../api/types";
import { roomPath, route } from "../router";
import type { Place } from "../settings/useLevel";
import { useCalmDevices } from "../state/calm";
import { isGuest } from "../state/session";
import { hours, number, percent, t } from "../text";
import { interlockWords } from "../view/sentences";
import { Table } from "../view/Table";
import { useAsk } from "../view/useAsk";
import { useEffective } from "./effective";
import { RulesForm } from "./RulesForm";
import { Next } from "./ScheduleList";

function Overview({
  rooms,
  schedules,
  change,
}: {
  rooms: DeviceView[];
  schedules: ScheduleState[];
  change: (id: string) => void;
}): VNode {
  const { schedules: texts, rules } = t(),
    { known: levels, failure } = useEffective(rooms);
  const quiet = (id: string) => levels[id]?.effective.quiet_hours?.map(hours).join(", ");
  return (
    <section class="panel" aria-label={rules.rooms}>
      {failure ? (
        <p class="notice" role="status">
          {t().failed(failure)}
        </p>
      ) : null}
      <Table
        label={rules.rooms}
        rows={rooms}
        keyOf={({ device_id }) => device_id}
        data={({ device_id }) => ({ "data-room": device_id })}
        empty={t().devices.none}
        columns={[
          {
            head: texts.room,
            cell: ({ device_id, name, location }) => (
              <>
                <a class="name" href={roomPath(device_id)}>
                  {name}
                </a>
                <br />
                <small>{location}</small>
              </>
            ),
          },
          { head: texts.quiet, cell: ({ device_id }) => quiet(device_id) || texts.none },
          {
            head: texts.limits,
            cell: ({ control, device_id }) => {
              const set = levels[device_id]?.effective.opening;
              const [min, max] = [control?.limits.min ?? set?.min ?? 0, control?.limits.max ?? set?.max ?? 100];
              return (
                <span class="nowrap">
                  {number(min)}–{percent(max)}
                </span>
              );
            },
          },
          {
            head: texts.rules,
            cell: ({ control }) =>
              control?.interlocks.length
                ? control.interlocks.map(each => <p key={each.cause}>{interlockWords(each)}</p>)
                : texts.none,
          },
          {
            head: rules.schedules,
            cell: ({ device_id }) => {
              const own = schedules.filter(each => each.device_id === device_id && each.kind !== "off");
              if (!own.length) return texts.none;
              return own.map(each => (
                <div key={each.name}>
                  {each.name} <Next state={each} />
                </div>
              ));
            },
          },
          {
            head: texts.edit,
            kind: "actions",
            cell: ({ device_id, name }) => (
              <button onClick={() => change(device_id)}>
                {texts.edit}
                <span class="hidden"> {name}</span>
              </button>
            ),
          },
        ]}
      />
    </section>
  );
}

/** A place as the value of an option. */
const valueOf = (place: Place): string =>
  place.kind === "device" ? `device ${place.device_id}` : place.kind === "group" ? `group ${place.location}` : "defaults";

function placeOf(value: string): Place {
  const [kind, name] = [value.split(" ", 1)[0], value.slice(value.indexOf(" ") + 1)];
  if (kind === "device") return { kind, device_id: name };
  return kind === "group" ? { kind, location: name } : { kind: "defaults" };
}

function Chooser({ place, choose, rooms }: { place: Place; choose: (place: Place) => void; rooms: DeviceView[] }): VNode {
  const { rules } = t(),
    known = useAsk<Group[]>("/groups").value ?? [];
  const places = [...new Set([...known.map(({ location }) => location), ...rooms.map(({ location }) => location)])].filter(
    Boolean,
  );
  return (
    <div class="panel row chooser">
      <label for="whose">{rules.whose}</label>
      <select id="whose" value={valueOf(place)} onChange={event => choose(placeOf(event.currentTarget.value))}>
        <option value="defaults">{rules.all}</option>
        {places.length ? (
          <optgroup label={rules.places}>
            {places.map(location => (
              <option key={location} value={valueOf({ kind: "group", location })}>
                {location}
              </option>
            ))}
          </optgroup>
        ) : null}
        {rooms.length ? (
          <optgroup label={rules.rooms}>
            {rooms.map(({ device_id, name }) => (
              <option key={device_id} value={valueOf({ kind: "device", device_id })}>
                {name}
              </option>
            ))}
          </optgroup>
        ) : null}
      </select>
      <p class="quiet">{rules.levels}</p>
    </div>
  );
}

export default function Schedules(): VNode {
  const { rules } = t(),
    asked = route.value.device_id;
  const [place, choose] = useState<Place>({ kind: "defaults" });
  useEffect(() => {
    if (asked) choose({ kind: "device", device_id: asked });
  }, [asked]);
  const known = useCalmDevices().filter(({ retired }) => !retired),
    isAsked = (device_id: string) => device_id === asked || (place.kind === "device" && device_id === place.device_id);
  // What has no window is no room to set up, as long as there is one, and unless somebody comes for it.
  const rooms = known.some(({ control }) => control)
    ? known.filter(({ device_id, control }) => control || isAsked(device_id))
    : known;
  const asking = useAsk<ScheduleState[]>("/schedules", 15_000),
    schedules = asking.value ?? [];
  const change = (device_id: string) => {
    choose({ kind: "device", device_id });
    document.querySelector<HTMLElement>("#whose")?.focus();
  };
  return (
    <div class="stack">
      <div>
        <h1 tabIndex={-1}>{rules.title}</h1>
        <p class="quiet">{rules.lead}</p>
      </div>
      {asking.failure ? <p class="notice">{t().failed(asking.failure)}</p> : null}
      <Overview rooms={rooms} schedules={schedules} change={change} />
      {isGuest.value ? null : (
        <>
          <Chooser place={place} choose={choose} rooms={rooms} />
          <RulesForm
            place={place}
            saved={asking.again}
            schedules={place.kind === "device" ? schedules.filter(({ device_id }) => device_id === place.device_id) : []}
          />
        </>
      )}
    </div>
  );
}
