// What checks found: what wants attention apart from what is well. Pure.
import type { Finding } from "../api/types";

const ORDER = { failed: 0, warning: 1, ok: 2, skipped: 3 } as const;

/** The findings that somebody should look at, the worst first; and the others, those that were skipped last. */
export function attention(checks: readonly Finding[]): { first: Finding[]; rest: Finding[] } {
  const sorted = [...checks].sort((one, other) => ORDER[one.state] - ORDER[other.state]);
  return {
    first: sorted.filter(({ state }) => ORDER[state] < 2),
    rest: sorted.filter(({ state }) => ORDER[state] >= 2),
  };
}
