// Before the first device: how one joins.
import type { VNode } from "preact";
import { isAdmin } from "../state/session";
import { t } from "../text";
import { Code, Lines, usePlace } from "./Connect";
import { openDoor } from "./Pairing";

export default function Empty(): VNode {
  const place = usePlace(),
    { empty } = t();
  return (
    <section class="empty">
      <h2>{empty.title}</h2>
      <p class="lead">{empty.lead}</p>
      <div class="ways">
        <div class="way">
          {isAdmin.value ? (
            <>
              <button class="main" onClick={() => void openDoor()}>
                {empty.button}
              </button>
              <p class="quiet">{empty.buttonWhy}</p>
            </>
          ) : (
            <p class="quiet">{empty.signInFirst}</p>
          )}
          <Code place={place} />
        </div>
        <div class="way">
          <Lines place={place} />
        </div>
      </div>
    </section>
  );
}
