import type { VNode } from "preact";

/** Casement's mark: a window ajar. */
export function Mark(): VNode {
  return (
    <svg class="mark" viewBox="0 0 24 28" width="20" height="23" aria-hidden="true">
      <path class="mark-frame" d="M3 2.5h18v23H3z" />
      <path class="mark-sash" d="M3 2.5 14 6.500v15L3 25.500z" />
    </svg>
  );
}
