// What a screen asks once, and again when it has changed something.
import { useEffect, useRef, useState } from "preact/hooks";
import { ask } from "../api/client";
import { afterSeen } from "../state/seen";

/** How long after an answer that says not now it is asked again. */
export const AGAIN_MS = 5_000;

/** Whether what an answer says may be over in a moment: there was none, or the service cannot answer now. */
export const mayPass = (status: number): boolean => status === 0 || status >= 500;

export interface Answer<T> {
  value: T | null;
  failure: string;
  status: number;
  again: () => void;
}

/** Asks for a path; with `every`, again after so many ms while the page is looked at. A null path asks nothing. */
export function useAsk<T>(path: string | null, every?: number): Answer<T> {
  const [state, set] = useState<{ value: T | null; failure: string; status: number }>({ value: null, failure: "", status: 0 });
  const [round, next] = useState(0),
    waits = useRef(false);
  useEffect(() => {
    if (path === null) return undefined;
    const controller = new AbortController();
    waits.current = true;
    ask<T>(path, { signal: controller.signal })
      .then(
        value => set({ value, failure: "", status: 200 }),
        (error: { message: string; status?: number }) =>
          controller.signal.aborted || set(before => ({ ...before, failure: error.message, status: error.status ?? 0 })),
      )
      .finally(() => controller.signal.aborted || (waits.current = false));
    return () => controller.abort();
  }, [path, round]);
  useEffect(() => {
    if (!every) return undefined;
    // An answer that takes longer is waited for: asking again would leave it.
    const timer = setInterval(() => document.hidden || waits.current || next(count => count + 1), every);
    return () => clearInterval(timer);
  }, [every]);
  // A service that is away comes back.
  useEffect(() => {
    if (!state.failure || !mayPass(state.status)) return undefined;
    return afterSeen(() => next(count => count + 1), AGAIN_MS);
  }, [state]);
  return { ...state, again: () => next(count => count + 1) };
}

/** Work that a button starts: whether it goes on, and why it failed. */
export function useWork(): { busy: boolean; failure: string; start: (work: () => Promise<unknown>) => Promise<boolean> } {
  const [busy, setBusy] = useState(false),
    [failure, fail] = useState("");
  const start = async (work: () => Promise<unknown>): Promise<boolean> => {
    setBusy(true);
    try {
      await work();
      fail("");
      return true;
    } catch (error) {
      fail(error instanceof Error ? error.message : String(error));
      return false;
    } finally {
      setBusy(false);
    }
  };
  return { busy, failure, start };
}
