import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { t } from "../text";

const TOLD_MS = 2_000;

/** Text to copy. Where the browser's clipboard is closed (plain HTTP from elsewhere), the text is selected instead. */
export function Copy({ text }: { text: string }): VNode {
  const [copied, tell] = useState(false);
  const copy = async (event: Event) => {
    const shown = (event.currentTarget as HTMLElement).parentElement!.querySelector("code")!;
    try {
      await navigator.clipboard.writeText(text);
      tell(true);
      setTimeout(() => tell(false), TOLD_MS);
    } catch {
      getSelection()?.selectAllChildren(shown);
    }
  };
  return (
    <div class="copy">
      <pre tabIndex={0}>
        <code>{text}</code>
      </pre>
      <button onClick={event => void copy(event)}>{copied ? t().copied : t().copy}</button>
    </div>
  );
}
