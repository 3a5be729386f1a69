// What the checks of `casement doctor` found, and a button that runs them again. For admins.
import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask } from "../api/client";
import type { Examinations, Finding } from "../api/types";
import { attention } from "../compute/findings";
import { dateTime, number, t } from "../text";
import { told, word } from "../view/sentences";
import { useAsk, useWork } from "../view/useAsk";

const WHILE_RUNNING_MS = 700,
  OTHERWISE_MS = 60_000;

const COLOURS = { ok: "good", skipped: "", warning: "warn", failed: "bad" } as const;

function Found({ finding }: { finding: Finding }): VNode {
  const { doctor: texts } = t(),
    calm = finding.state === "ok" || finding.state === "skipped";
  return (
    <li data-check={finding.name}>
      <span>{texts.check[finding.name] ?? word(finding.name)}</span>
      <span class={`badge ${COLOURS[finding.state]}`}>{texts[finding.state]}</span>
      <p class="why">{told(finding.summary)}</p>
      {calm || !finding.detail ? null : <p class="why">{told(finding.detail)}</p>}
      {calm || !finding.remedy ? null : (
        <p class="remedy">
          <strong>{texts.remedy}</strong> {told(finding.remedy)}
        </p>
      )}
    </li>
  );
}

export function Doctor(): VNode {
  const { doctor: texts } = t();
  const [runs, notice] = useState(false),
    asked = useAsk<Examinations>("/doctor", runs ? WHILE_RUNNING_MS : OTHERWISE_MS),
    { busy, failure, start } = useWork();
  const running = asked.value?.running,
    latest = asked.value?.latest;
  useEffect(() => notice(!!running), [running]);
  const run = () => start(() => ask("/doctor", { method: "POST" })).then(done => done && asked.again());
  const { first, rest } = attention(latest?.checks ?? []);
  return (
    <section class="panel" aria-labelledby="doctor">
      <div class="row spread">
        <h2 id="doctor">{texts.title}</h2>
        <button disabled={busy || !!running} onClick={() => void run()}>
          {latest ? texts.again : texts.run}
        </button>
      </div>
      <div role="status">
        {running ? (
          <p class="quiet">
            {running.of ? texts.progress(number(running.done), number(running.of)) : t().loading}{" "}
            <progress value={running.done} max={running.of || 1} aria-label={texts.title} />
          </p>
        ) : latest ? (
          <p class="quiet">
            {texts.when(dateTime(latest.finished_at))} · {texts.verdict(first.length)}
          </p>
        ) : (
          <p class="quiet">{texts.never}</p>
        )}
      </div>
      {asked.value?.problem ? <p class="notice">{asked.value.problem}</p> : null}
      {failure || asked.failure ? (
        <p role="alert" class="wrong">
          {failure || asked.failure}
        </p>
      ) : null}
      {first.length ? (
        <ul class="parts many">
          {first.map(finding => (
            <Found key={finding.name} finding={finding} />
          ))}
        </ul>
      ) : null}
      {rest.length ? (
        <details class="rest">
          <summary>{texts.rest(rest.length)}</summary>
          <ul class="parts many">
            {rest.map(finding => (
              <Found key={finding.name} finding={finding} />
            ))}
          </ul>
        </details>
      ) : null}
    </section>
  );
}
