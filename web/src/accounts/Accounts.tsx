// People, programs and devices that may come in; links that only read; who did what. For admins.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { ask, part } from "../api/client";
import type { Account, AuditEntry, Share, Token } from "../api/types";
import { Field } from "../settings/Field";
import { isAdmin, session } from "../state/session";
import { dateTime, day, t } from "../text";
import { confirmed, reveal } from "../view/Confirm";
import { Table } from "../view/Table";
import { told, word } from "../view/sentences";
import { useAsk, useWork } from "../view/useAsk";

const ROLES = ["reader", "operator", "admin"] as const,
  ROWS = 100;

function Tokens({ name }: { name: string }): VNode {
  const texts = t().accounts,
    path = `/accounts/${part(name)}/tokens`;
  const { value, failure, again } = useAsk<Token[]>(path),
    work = useWork();
  const [label, setLabel] = useState(""),
    [days, setDays] = useState("");
  const make = async (event: Event) => {
    event.preventDefault();
    const body = { label: label.trim(), ...(days.trim() ? { days: Number(days) } : {}) };
    const done = await work.start(
      async () =>
        void (await reveal(texts.tokenMade(name), (await ask<{ token: string }>(path, { method: "POST", body })).token)),
    );
    if (done) again();
  };
  const revoke = async (id: string) => {
    if (
      (await confirmed(texts.revokeWhy, texts.revoke)) &&
      (await work.start(() => ask(`/tokens/${part(id)}`, { method: "DELETE" })))
    )
      again();
  };
  return (
    <div class="stack tokens">
      <ul>
        {(value ?? []).map(token => (
          <li key={token.id} class="row">
            <span>{token.label || <code>{token.id}</code>}</span>
            <small>
              {texts.created} {day(token.created)} · {texts.expires} {token.expires ? day(token.expires) : t().never}
            </small>
            <button onClick={() => void revoke(token.id)}>{texts.revoke}</button>
          </li>
        ))}
      </ul>
      <form class="row" onSubmit={event => void make(event)}>
        <Field label={texts.label} value={label} set={setLabel} most={128} />
        <Field label={texts.days} value={days} set={setDays} most={4} decimal />
        <button>{texts.token}</button>
      </form>
      {failure || work.failure ? (
        <p role="alert" class="wrong">
          {failure || work.failure}
        </p>
      ) : null}
    </div>
  );
}

interface Shown {
  account: Account;
  changed: () => void;
  open: boolean;
  show: (open: boolean) => void;
}

function Actions({ account, changed, open, show }: Shown): VNode {
  const texts = t().accounts,
    { busy, failure, start } = useWork();
  const path = `/accounts/${part(account.name)}`,
    isOwn = account.name === session.value?.name,
    retired = account.state === "retired",
    isDevice = account.role === "device";
  const act = async (work: () => Promise<unknown>) => {
    if (await start(work)) changed();
  };
  const retire = async () =>
    (retired || !isDevice || (await confirmed(texts.retireWhy(account.label || account.name), texts.retire))) &&
    act(() => ask(path, { method: "PATCH", body: { state: retired ? "active" : "retired" } }));
  const close = async () =>
    (await confirmed(texts.closeWhy(account.label || account.name), texts.closeAlone)) &&
    act(() => ask(`${path}/close`, { method: "POST" }));
  const forget = async () =>
    (await confirmed(texts.forgetWhy(account.name), texts.forget)) && act(() => ask(path, { method: "DELETE" }));
  const rotate = async () =>
    (await confirmed(t().devices.rotateWhy(account.name), texts.rotate)) &&
    act(
      async () =>
        void (await reveal(
          texts.made(account.name),
          (await ask<{ password: string }>(`${path}/rotate`, { method: "POST" })).password,
        )),
    );
  return (
    <>
      <div class="row">
        <button aria-expanded={open} onClick={() => show(!open)}>
          {texts.tokens}: {account.tokens}
        </button>
        <button disabled={busy} onClick={() => void rotate()}>
          {texts.rotate}
        </button>
        {isOwn ? null : (
          <button disabled={busy} onClick={() => void retire()}>
            {retired ? texts.use : texts.retire}
          </button>
        )}
        {isDevice && !retired ? (
          <button disabled={busy} onClick={() => void close()}>
            {texts.closeAlone}
          </button>
        ) : null}
        {isOwn ? null : (
          <button disabled={busy} class="danger" onClick={() => void forget()}>
            {texts.forget}
          </button>
        )}
      </div>
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
    </>
  );
}

function Listed({ title, accounts, changed }: { title: string; accounts: Account[]; changed: () => void }): VNode | null {
  const texts = t().accounts,
    [open, show] = useState<string | null>(null);
  if (!accounts.length) return null;
  return (
    <section class="panel">
      <h2>{title}</h2>
      <Table
        label={title}
        rows={accounts}
        keyOf={({ name }) => name}
        data={({ name }) => ({ "data-account": name })}
        columns={[
          {
            head: texts.name,
            cell: ({ name, label }) => (
              <>
                <span class="name">{name}</span>
                {label && label !== name ? (
                  <>
                    <br />
                    <small>{label}</small>
                  </>
                ) : null}
              </>
            ),
          },
          { head: texts.role, cell: ({ role }) => texts.role_[role] ?? role },
          { head: texts.state, cell: ({ state }) => <span class="badge">{texts[state]}</span> },
          {
            head: texts.what,
            kind: "actions",
            cell: account => (
              <Actions
                account={account}
                changed={changed}
                open={open === account.name}
                show={shown => show(shown ? account.name : null)}
              />
            ),
          },
        ]}
        below={({ name }) => (name === open ? <Tokens name={name} /> : null)}
      />
    </section>
  );
}

function Add({ changed }: { changed: () => void }): VNode {
  const texts = t().accounts,
    { busy, failure, start } = useWork();
  const [name, setName] = useState(""),
    [label, setLabel] = useState(""),
    [role, setRole] = useState<string>("reader");
  const add = async (event: Event) => {
    event.preventDefault();
    const body = { name: name.trim(), role, ...(label.trim() ? { label: label.trim() } : {}) };
    const done = await start(async () => {
      const { password } = await ask<{ password: string }>("/accounts", { method: "POST", body });
      changed();
      await reveal(texts.made(body.name), password);
    });
    if (done) (setName(""), setLabel(""));
  };
  return (
    <section class="panel" aria-labelledby="add">
      <h2 id="add">{texts.add}</h2>
      <form class="stack settings" onSubmit={event => void add(event)}>
        <div class="fields">
          <Field label={texts.name} name="account" value={name} set={setName} most={64} />
          <Field label={texts.label} value={label} set={setLabel} most={128} />
          <div class="field">
            <label for="role">{texts.role}</label>
            <select id="role" value={role} onChange={event => setRole(event.currentTarget.value)}>
              {ROLES.map(each => (
                <option key={each} value={each}>
                  {texts.role_[each]}
                </option>
              ))}
            </select>
          </div>
        </div>
        <div class="row">
          <button class="main" disabled={busy || !name.trim()}>
            {texts.add}
          </button>
        </div>
        {failure ? (
          <p role="alert" class="wrong">
            {failure}
          </p>
        ) : null}
      </form>
    </section>
  );
}

function Shares(): VNode {
  const texts = t().accounts,
    { value, failure, again } = useAsk<Share[]>("/shares"),
    work = useWork();
  const [label, setLabel] = useState(""),
    [days, setDays] = useState("7");
  const make = async (event: Event) => {
    event.preventDefault();
    const done = await work.start(async () => {
      const { path } = await ask<{ path: string }>("/shares", {
        method: "POST",
        body: { label: label.trim(), days: days.trim() ? Number(days) : 7 },
      });
      await reveal(texts.shareMade, `${location.origin}${path}`);
    });
    if (done) again();
  };
  const revoke = async (id: string) => {
    if (await work.start(() => ask(`/shares/${part(id)}`, { method: "DELETE" }))) again();
  };
  return (
    <section class="panel stack" aria-labelledby="shares">
      <h2 id="shares">{texts.shares}</h2>
      {value?.length ? null : <p class="quiet">{texts.noShares}</p>}
      <ul>
        {(value ?? []).map(share => (
          <li key={share.id} class="row">
            <span>{share.label || share.id}</span>
            <small>
              {texts.by} {share.by} · {share.valid ? `${texts.expires} ${day(share.expires)}` : texts.expired}
            </small>
            <button onClick={() => void revoke(share.id)}>{texts.revoke}</button>
          </li>
        ))}
      </ul>
      <form class="row" onSubmit={event => void make(event)}>
        <Field label={texts.label} value={label} set={setLabel} most={128} />
        <Field label={texts.shareDays} value={days} set={setDays} most={3} decimal />
        <button>{texts.share}</button>
      </form>
      {failure || work.failure ? (
        <p role="alert" class="wrong">
          {failure || work.failure}
        </p>
      ) : null}
    </section>
  );
}

function Audit(): VNode {
  const texts = t().accounts,
    { value, failure } = useAsk<AuditEntry[]>(`/audit?from=-7d&limit=${ROWS}`, 15_000);
  return (
    <section class="panel" aria-labelledby="audit">
      <h2 id="audit">{texts.audit}</h2>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {value ? (
        <Table
          label={texts.audit}
          rows={value.map((entry, at) => ({ ...entry, at }))}
          keyOf={({ at }) => String(at)}
          empty={texts.noAudit}
          columns={[
            {
              head: texts.what,
              cell: ({ kind, detail }) => (
                <>
                  <span class="badge">{word(kind)}</span>
                  {detail ? (
                    <>
                      <br />
                      <small>{told(detail)}</small>
                    </>
                  ) : null}
                </>
              ),
            },
            { head: texts.who, cell: ({ actor }) => actor || "–" },
            { head: texts.account, cell: ({ account }) => account || "–" },
            { head: texts.address, cell: ({ address }) => address || "–" },
            { head: t().system.when, cell: ({ timestamp }) => dateTime(timestamp) },
          ]}
        />
      ) : null}
    </section>
  );
}

export default function Accounts(): VNode {
  const texts = t().accounts,
    accounts = useAsk<Account[]>(isAdmin.value ? "/accounts" : null);
  if (!isAdmin.value)
    return (
      <>
        <h1 tabIndex={-1}>{texts.title}</h1>
        <p class="notice">
          {texts.admins} <a href="/sign-in">{t().session.signIn}</a>
        </p>
      </>
    );
  const all = accounts.value ?? [];
  return (
    <div class="stack">
      <h1 tabIndex={-1}>{texts.title}</h1>
      {accounts.failure ? <p class="notice">{t().failed(accounts.failure)}</p> : null}
      <Listed title={texts.people} accounts={all.filter(({ role }) => role !== "device")} changed={accounts.again} />
      <Add changed={accounts.again} />
      <Listed title={texts.devices} accounts={all.filter(({ role }) => role === "device")} changed={accounts.again} />
      <Shares />
      <Audit />
    </div>
  );
}
