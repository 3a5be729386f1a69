// How the line to the service is, and what it says of itself: told in words, above everything.
import type { VNode } from "preact";
import { isFresh, line, status } from "../state/live";
import { moment, t } from "../text";
import { useEffect } from "preact/hooks";

function words(): string[] {
  const { state, since } = line.value;
  const texts = t().line;
  if (state === "offline") return [texts.offline(moment(since))];
  if (state === "reconnecting") return [texts.reconnecting(moment(since))];
  if (state === "silent") return [texts.silent];
  const now = status.value;
  if (!now) return [];
  return [now.broker_up ? null : texts.broker, now.store_up ? null : texts.store, now.accepting ? null : texts.full].filter(
    text => text !== null,
  );
}

export function Line(): VNode {
  const told = words();
  const fresh = isFresh.value;
  useEffect(() => {
    document.documentElement.toggleAttribute("data-stale", !fresh);
  }, [fresh]);
  return (
    <div role="status" class={told.length ? `line ${fresh ? "" : "broken"}` : "line empty"}>
      {told.map(text => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}
