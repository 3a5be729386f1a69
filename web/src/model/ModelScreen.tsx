// Versions of the model: which decides, how good each is, and how one replaces another.
import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import { ask, part, query } from "../api/client";
import type { Comparison, Model } from "../api/types";
import { Field } from "../settings/Field";
import { isAdmin, mayChange } from "../state/session";
import { number, percent, t } from "../text";
import { confirmed } from "../view/Confirm";
import { useAsk, useWork } from "../view/useAsk";
import { told } from "../view/sentences";
import { Quality } from "./Quality";
import { Training } from "./Training";
import "../style/insight.css";

const MAX_BYTES = 16 << 20;

function Figures({ model }: { model: Model }): VNode {
  const { model: texts } = t(),
    { figures } = model;
  return (
    <>
      {figures ? null : <p class="quiet">{texts.noFigures}</p>}
      {figures || model.training_data ? (
        <dl class="facts">
          {figures ? (
            <>
              <dt>{texts.mae}</dt>
              <dd>{texts.points(number(figures.mae, 1))}</dd>
              <dt>{texts.coverage}</dt>
              <dd>{percent(figures.coverage_95 * 100, 1)}</dd>
              <dt>{texts.ece}</dt>
              <dd>{number(figures.ece, 3)}</dd>
              <dt>{texts.brier}</dt>
              <dd>{number(figures.brier, 3)}</dd>
              <dt>{texts.auroc}</dt>
              <dd>{number(figures.auroc, 2)}</dd>
            </>
          ) : null}
          {model.training_data ? (
            <>
              <dt>{texts.trainedOn}</dt>
              <dd>{told(model.training_data)}</dd>
            </>
          ) : null}
        </dl>
      ) : null}
    </>
  );
}

function Version({ model, changed }: { model: Model; changed: () => void }): VNode {
  const { model: texts } = t(),
    { busy, failure, start } = useWork(),
    path = `/models/${part(model.version)}`;
  const act = async (work: () => Promise<unknown>) => {
    if (await start(work)) changed();
  };
  const promote = async () =>
    (await confirmed(texts.promoteWhy(model.version), texts.promote)) && act(() => ask(`${path}/promote`, { method: "POST" }));
  const remove = async () =>
    (await confirmed(texts.deleteWhy(model.version), texts.delete)) && act(() => ask(path, { method: "DELETE" }));
  return (
    <article class="panel stack" data-version={model.version}>
      <h2>
        {model.version} {model.serves ? <span class="badge accent">{texts.serves}</span> : null}{" "}
        {model.shadows ? <span class="badge accent">{texts.shadows}</span> : null}{" "}
        {model.built_in ? <span class="badge">{texts.builtIn}</span> : null}{" "}
        {model.problem ? <span class="badge bad">{texts.broken}</span> : null}
      </h2>
      {model.problem ? <p class="wrong">{told(model.problem)}</p> : null}
      <Figures model={model} />
      {mayChange.value ? (
        <div class="row">
          {model.serves || model.problem ? null : (
            <button disabled={busy} onClick={() => void promote()}>
              {texts.promote}
            </button>
          )}
          {model.shadows ? (
            <button disabled={busy} onClick={() => void act(() => ask(`${path}/shadow`, { method: "DELETE" }))}>
              {texts.endShadow}
            </button>
          ) : null}
          {model.serves || model.shadows || model.problem ? null : (
            <button disabled={busy} onClick={() => void act(() => ask(`${path}/shadow`, { method: "POST" }))}>
              {texts.shadow}
            </button>
          )}
          {model.serves || model.shadows || model.built_in ? null : (
            <button disabled={busy} class="danger" onClick={() => void remove()}>
              {texts.delete}
            </button>
          )}
        </div>
      ) : null}
      {failure ? (
        <p role="alert" class="wrong">
          {failure}
        </p>
      ) : null}
    </article>
  );
}

function Compare({ a, b }: { a: string; b: string }): VNode {
  const { model: texts } = t(),
    { value, failure } = useAsk<Comparison>(`/models/compare${query({ a, b, from: "-7d" })}`);
  const all = value?.all;
  return (
    <section class="panel" aria-labelledby="compare">
      <h2 id="compare">{texts.compare}</h2>
      {failure ? <p class="notice">{t().failed(failure)}</p> : null}
      {all && !all.pairs ? <p class="quiet">{texts.noPairs}</p> : null}
      {all?.pairs ? (
        <dl class="facts">
          <dt>{texts.pairs}</dt>
          <dd>{number(all.pairs)}</dd>
          <dt>{texts.difference}</dt>
          <dd>{all.mean_abs_difference == null ? "–" : texts.points(number(all.mean_abs_difference, 1))}</dd>
          <dt>{texts.largest}</dt>
          <dd>{texts.points(number(all.max_abs_difference, 1))}</dd>
          <dt>{texts.agreement}</dt>
          <dd>{all.agreement == null ? "–" : percent(all.agreement * 100)}</dd>
          {all.mean_abs_error_a == null ? null : (
            <>
              <dt>{texts.errorOf(a)}</dt>
              <dd>{texts.points(number(all.mean_abs_error_a, 1))}</dd>
            </>
          )}
          {all.mean_abs_error_b == null ? null : (
            <>
              <dt>{texts.errorOf(b)}</dt>
              <dd>{texts.points(number(all.mean_abs_error_b, 1))}</dd>
            </>
          )}
        </dl>
      ) : null}
    </section>
  );
}

function Upload({ changed }: { changed: () => void }): VNode {
  const { model: texts } = t(),
    { busy, failure, start } = useWork();
  const [version, setVersion] = useState(""),
    file = useRef<HTMLInputElement>(null);
  const send = async (event: Event) => {
    event.preventDefault();
    const chosen = file.current?.files?.[0];
    if (!chosen) return;
    const done = await start(() => {
      if (chosen.size > MAX_BYTES) throw new Error(texts.file);
      return ask(`/models${query({ version: version.trim() || undefined })}`, { method: "POST", file: chosen });
    });
    if (!done) return;
    setVersion("");
    file.current!.value = "";
    changed();
  };
  return (
    <section class="panel" aria-labelledby="upload">
      <h2 id="upload">{texts.upload}</h2>
      <form class="stack settings" onSubmit={event => void send(event)}>
        <div class="fields">
          <div class="field">
            <label for="file">{texts.file}</label>
            <input id="file" ref={file} type="file" accept=".pth,.onnx" required />
          </div>
          <Field label={texts.version} value={version} set={setVersion} most={64} placeholder="v2.0.0" />
        </div>
        <div class="row">
          <button class="main" disabled={busy}>
            {busy ? texts.sending : texts.send}
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

export default function ModelScreen(): VNode {
  const { model: texts } = t(),
    { value, failure, again } = useAsk<Model[]>("/models", 15_000);
  const back = useWork();
  const serving = value?.find(({ serves }) => serves),
    shadow = value?.find(({ shadows }) => shadows);
  const order = [...(value ?? [])].sort(
    (one, other) => Number(other.serves) - Number(one.serves) || Number(other.shadows) - Number(one.shadows),
  );
  const before = value?.find(({ is_predecessor }) => is_predecessor);
  const rollback = async (version: string) => {
    if (await confirmed(texts.rollbackWhy(version), texts.rollback(version)))
      await back.start(() => ask("/models/rollback", { method: "POST" })).then(done => done && again());
  };
  return (
    <div class="stack">
      <div class="row">
        <h1 tabIndex={-1}>{texts.title}</h1>
        {mayChange.value && before ? (
          <button disabled={back.busy} onClick={() => void rollback(before.version)}>
            {texts.rollback(before.version)}
          </button>
        ) : null}
      </div>
      {back.failure ? (
        <p role="alert" class="wrong">
          {back.failure}
        </p>
      ) : null}
      {failure ? <p class="notice">{value ? t().failed(failure) : `${texts.unavailable} ${failure}`}</p> : null}
      {value || failure ? null : (
        <p class="quiet" role="status">
          {t().loading}
        </p>
      )}
      <div class="halves">
        {order.map(model => (
          <Version key={model.version} model={model} changed={again} />
        ))}
      </div>
      {value?.length ? <Quality models={order} /> : null}
      {serving && shadow ? <Compare a={serving.version} b={shadow.version} /> : null}
      {isAdmin.value && value ? <Training versions={value.map(({ version }) => version)} made={again} /> : null}
      {mayChange.value || isAdmin.value ? <Upload changed={again} /> : null}
    </div>
  );
}
