// A question before something that cannot be taken back, and a secret that is shown once.
import { signal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text";
import { Copy } from "./Copy";

interface Shown {
  text: string;
  /** What the button does; without it, there is only one to close. */
  action?: string;
  secret?: string;
  answer: (yes: boolean) => void;
}

const shown = signal<Shown | null>(null);

/** Whether somebody says yes. */
export function confirmed(text: string, action: string): Promise<boolean> {
  return new Promise(answer => (shown.value = { text, action, answer }));
}

/** Shows a secret until it is closed. */
export function reveal(text: string, secret: string): Promise<boolean> {
  return new Promise(answer => (shown.value = { text, secret, answer }));
}

export function Confirm(): VNode {
  const dialog = useRef<HTMLDialogElement>(null),
    now = shown.value;
  useEffect(() => {
    if (now) dialog.current?.showModal();
  }, [now]);
  const end = (yes: boolean) => {
    dialog.current?.close();
    shown.value = null;
    now?.answer(yes);
  };
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="question" onCancel={event => (event.preventDefault(), end(false))}>
      {now ? (
        <div class="stack">
          <p id="question">{now.text}</p>
          {now.secret ? (
            <div class="secret">
              <Copy text={now.secret} />
            </div>
          ) : null}
          <div class="row">
            {now.action ? (
              <>
                <button class="main" onClick={() => end(true)}>
                  {now.action}
                </button>
                <button onClick={() => end(false)}>{t().cancel}</button>
              </>
            ) : (
              <button class="main" onClick={() => end(false)}>
                {t().close}
              </button>
            )}
          </div>
        </div>
      ) : null}
    </dialog>
  );
}
