// A part of the page that is loaded when it is needed.
import type { ComponentType, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { t } from "../text";

export type Lazy = () => Promise<{ default: ComponentType }>;

const arrived = new Map<Lazy, ComponentType>();

export function Later({ load }: { load: Lazy }): VNode {
  const [, show] = useState(0);
  const [failure, fail] = useState("");
  const Found = arrived.get(load);
  useEffect(() => {
    if (arrived.has(load)) return;
    load().then(
      ({ default: component }) => {
        arrived.set(load, component);
        show(count => count + 1);
      },
      () => fail(t().unreachable),
    );
  }, [load]);
  if (Found) return <Found />;
  // After an update of the service its files have other names.
  if (failure)
    return (
      <p class="notice">
        {t().failed(failure)} <button onClick={() => location.reload()}>{t().again}</button>
      </p>
    );
  return (
    <p class="quiet" role="status">
      {t().loading}
    </p>
  );
}
