// Where a person decides: what they chose, and for how long.
import type { VNode } from "preact";

import { Left } from "./Ago";
import type { override } from "./describe";

export function ByHand({ chosen }: { chosen: NonNullable<ReturnType<typeof override>> }): VNode {
  return (
    <p class="by-hand">
      {chosen.text}
      {chosen.until ? (
        <>
          {" "}
          · <Left time={chosen.until} />
        </>
      ) : null}
    </p>
  );
}
