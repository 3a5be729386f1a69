// Every device as a thing: who it is, how it does, its settings and secrets; who wants in.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ask, part } from "../api/client";
import type { Account, DeviceView, Group } from "../api/types";
import { Pairing } from "../home/Pairing";
import { roomPath } from "../router";
import { LevelForm } from "../settings/LevelForm";
import { useCalmDevices } from "../state/calm";
import { loadDevices, refetch } from "../state/devices";
import { isAdmin, isGuest, mayChange } from "../state/session";
import { number, percent, t } from "../text";
import { Ago } from "../view/Ago";
import { confirmed, reveal } from "../view/Confirm";
import { Table } from "../view/Table";
import { useAsk, useWork } from "../view/useAsk";

function Secrets({ account, device_id }: { account: Account | undefined; device_id: string }): VNode {
  const { busy, failure, start } = useWork(),
    texts = t().devices;
  if (!account) return <span class="quiet">{texts.noAccount}</span>;
  const rotate = async () => {
    if (!(await confirmed(texts.rotateWhy(device_id), texts.rotate))) return;
    await start(async () => {
      const { password } = await ask<{ password: string }>(`/accounts/${part(device_id)}/rotate`, { method: "POST" });
      await reveal(texts.rotated(device_id), password);
    });
  };
  return (
    <>
      <button disabled={busy} onClick={() => void rotate()}>
        {texts.rotate}
      </button>
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
    </>
  );
}

function Actions({ device }: { device: DeviceView }): VNode {
  const { settings } = t(),
    { busy, failure, start } = useWork(),
    path = `/devices/${part(device.device_id)}`;
  const retire = async () =>
    (device.retired || (await confirmed(settings.retireWhy(device.name), settings.retire))) &&
    start(async () => {
      await ask(path, { method: "PATCH", body: { retired: !device.retired } });
      refetch(device.device_id);
    });
  const forget = async () => {
    if (!(await confirmed(settings.forgetWhy(device.name), settings.forget))) return;
    await start(async () => (await ask(path, { method: "DELETE" }), await loadDevices()));
  };
  return (
    <>
      <div class="row">
        <button disabled={busy} onClick={() => void retire()}>
          {device.retired ? settings.unretire : settings.retire}
        </button>
        <button disabled={busy} class="danger" onClick={() => void forget()}>
          {settings.forget}
        </button>
      </div>
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
    </>
  );
}

function Name({ device }: { device: DeviceView }): VNode {
  const { settings, devices: texts } = t();
  return (
    <>
      <a class="name" href={roomPath(device.device_id)}>
        {device.name}
      </a>
      {device.retired ? (
        <>
          {" "}
          <span class="badge">{texts.retired}</span>
        </>
      ) : null}
      <br />
      <small>
        {device.location || settings.noPlace} · <code>{device.device_id}</code>
      </small>
    </>
  );
}

function State({ device }: { device: DeviceView }): VNode {
  const { state } = device.health;
  return (
    <>
      <span class={`presence ${state}`}>{t().state[state]}</span>
      {device.last_seen ? (
        <>
          <br />
          <small>
            <Ago time={device.last_seen} />
          </small>
        </>
      ) : null}
    </>
  );
}

function Levels(): VNode {
  const texts = t().devices,
    [picked, pick] = useState("");
  const places = useAsk<Group[]>("/groups").value?.map(({ location }) => location) ?? [];
  const location = places.includes(picked) ? picked : places[0];
  return (
    <>
      {location ? (
        <section class="panel" aria-labelledby="group">
          <details>
            <summary>
              <h2 id="group">{texts.group}</h2>
            </summary>
            <p class="quiet">{texts.groupWhy}</p>
            <div class="choices" role="group" aria-label={t().settings.place}>
              {places.map(place => (
                <button key={place} aria-pressed={place === location} onClick={() => pick(place)}>
                  {place}
                </button>
              ))}
            </div>
            <LevelForm place={{ kind: "group", location }} />
          </details>
        </section>
      ) : null}
      {isGuest.value ? null : (
        <section class="panel" aria-labelledby="defaults">
          <details>
            <summary>
              <h2 id="defaults">{texts.defaults}</h2>
            </summary>
            <LevelForm place={{ kind: "defaults" }} />
          </details>
        </section>
      )}
    </>
  );
}

export default function Devices(): VNode {
  const { devices: texts } = t();
  const accounts = useAsk<Account[]>(isAdmin.value ? "/accounts" : null);
  const all = useCalmDevices();
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{texts.title}</h1>
      <Pairing offer />
      {accounts.failure ? <p class="notice">{t().failed(accounts.failure)}</p> : null}
      <section class="panel">
        <Table
          label={texts.title}
          rows={all}
          keyOf={({ device_id }) => device_id}
          data={({ device_id }) => ({ "data-device": device_id })}
          empty={texts.none}
          columns={[
            { head: t().settings.name, cell: device => <Name device={device} /> },
            { head: texts.state, cell: device => <State device={device} /> },
            { head: texts.rate, kind: "number", cell: ({ health }) => number(health.messages_per_minute, 1) },
            { head: texts.firmware, cell: ({ telemetry }) => telemetry?.firmware ?? "–" },
            {
              head: texts.signal,
              kind: "number",
              cell: ({ telemetry }) => (telemetry?.rssi_dbm == null ? "–" : `${number(telemetry.rssi_dbm)} dBm`),
            },
            {
              head: texts.battery,
              kind: "number",
              cell: ({ telemetry }) => (telemetry?.battery_percent == null ? "–" : percent(telemetry.battery_percent)),
            },
            isAdmin.value
              ? {
                  head: texts.credentials,
                  // Until it is known whether there is an account, nothing is said of it.
                  cell: ({ device_id }) =>
                    accounts.value ? (
                      <Secrets account={accounts.value.find(({ name }) => name === device_id)} device_id={device_id} />
                    ) : null,
                }
              : null,
            mayChange.value ? { head: texts.settings, kind: "actions", cell: device => <Actions device={device} /> } : null,
          ]}
        />
      </section>
      <Levels />
    </div>
  );
}
