// A model trained now: from what people chose, or from simulated rooms; how far it has come; what became of it. For admins.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api/client";
import type { Training as TrainingView, TrainingState } from "../api/types";
import { trainingPath, usualVersion } from "../compute/training";
import { Field } from "../settings/Field";
import { dateTime, number, t } from "../text";
import { confirmed } from "../view/Confirm";
import { told } from "../view/sentences";
import { useAsk, useWork } from "../view/useAsk";

const WHILE_RUNNING_MS = 800,
  OTHERWISE_MS = 60_000;

const goesOn = (training: TrainingView | null | undefined) => training?.state === "collecting" || training?.state === "training";

function Progress({ training }: { training: TrainingView }): VNode {
  const { training: texts } = t(),
    { validation_mae: errors, epochs } = training;
  const newest = errors.at(-1);
  return (
    <div class="training" data-state={training.state}>
      <p role="status">
        <strong>{training.version}</strong>{" "}
        {training.state === "collecting"
          ? texts.collecting
          : training.state === "training"
            ? texts.epoch(number(errors.length), number(epochs))
            : texts.state[training.state]}
        {training.reason ? `: ${told(training.reason)}` : ""}
      </p>
      {goesOn(training) ? <progress value={errors.length} max={epochs} aria-label={texts.title} /> : null}
      <p class="quiet">
        {texts.by(training.started_by, dateTime(training.started_at))}
        {training.examples == null ? "" : ` · ${texts.examples(number(training.examples))}`}
        {newest === undefined ? "" : ` · ${texts.error(number(newest, 1))}`}
      </p>
      {errors.length > 1 ? (
        <svg
          class="curve"
          viewBox="0 0 100 24"
          preserveAspectRatio="none"
          role="img"
          aria-label={texts.curve(number(errors[0]!, 1), number(newest!, 1))}
        >
          <path d={trainingPath(errors, epochs, 100, 24)} />
        </svg>
      ) : null}
      {newest === undefined ? null : <p class="quiet">{texts.errors}</p>}
      {training.result ? <p>{texts.made(training.result.version)}</p> : null}
    </div>
  );
}

export function Training({ versions, made }: { versions: readonly string[]; made: () => void }): VNode {
  const { training: texts } = t();
  const [runs, notice] = useState(false),
    asked = useAsk<TrainingState>("/training", runs ? WHILE_RUNNING_MS : OTHERWISE_MS),
    { busy, failure, start } = useWork();
  const [source, choose] = useState<"stored" | "simulator">("stored"),
    [named, name] = useState<string | null>(null),
    [days, setDays] = useState(""),
    [rooms, setRooms] = useState("");
  const training = asked.value?.training,
    going = goesOn(training);
  const version = named ?? usualVersion(versions, new Date());
  useEffect(() => {
    notice(going);
    if (training && !going) made();
  }, [going, training?.state]);
  const send = (event: Event) => {
    event.preventDefault();
    const whole = (text: string) => (text.trim() ? Number(text) : undefined);
    const body = { version, source, days: whole(days), ...(source === "simulator" ? { rooms: whole(rooms) } : {}) };
    void start(() => ask("/training", { method: "POST", body })).then(done => {
      if (done) name(null);
      asked.again();
    });
  };
  const cancel = async () => {
    if (await confirmed(texts.cancelWhy, texts.cancel))
      await start(() => ask("/training", { method: "DELETE" })).then(asked.again);
  };
  return (
    <section class="panel stack" aria-labelledby="training">
      <h2 id="training">{texts.title}</h2>
      <p class="quiet">{texts.why}</p>
      {training ? <Progress training={training} /> : null}
      {going ? (
        <div class="row">
          <button disabled={busy} onClick={() => void cancel()}>
            {texts.cancel}
          </button>
        </div>
      ) : (
        <form class="stack" onSubmit={send}>
          <div role="group" aria-label={texts.from} class="choices">
            {(["stored", "simulator"] as const).map(key => (
              <button type="button" key={key} aria-pressed={key === source} onClick={() => choose(key)}>
                {texts.source[key]}
              </button>
            ))}
          </div>
          <div class="fields">
            <Field label={t().model.version} value={version} set={name} most={64} />
            <Field
              label={source === "stored" ? texts.lastDays : texts.daysEach}
              value={days}
              set={setDays}
              decimal
              most={4}
              placeholder={source === "stored" ? "365" : "4"}
            />
            {source === "simulator" ? (
              <Field label={texts.rooms} value={rooms} set={setRooms} decimal most={4} placeholder="400" />
            ) : null}
          </div>
          <div class="row">
            <button class="main" disabled={busy}>
              {texts.start}
            </button>
          </div>
        </form>
      )}
      {failure || asked.failure ? (
        <p role="alert" class="wrong">
          {failure || asked.failure}
        </p>
      ) : null}
    </section>
  );
}
