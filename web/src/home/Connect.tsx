// How a device finds Casement: the broker and its authority as a QR code and in words, and lines to copy.
import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { ask } from "../api/client";
import { authorityUrl, guessedPlace, placeOf, usualPlace, type Configuration } from "../compute/place";
import { brokerUrl, derOf, fingerprint, pairingUrl, snippets, type Authority, type Place } from "../compute/snippets";
import type { Pairing } from "../api/types";
import { isAdmin } from "../state/session";
import { t } from "../text";
import { Copy } from "../view/Copy";
import { qrPath } from "../view/qr";

const AUTHORITY = "/assets/ca.pem";

/** The authority of this Casement, with where devices get it; null where it has none of its own. */
async function authorityOf(url: string): Promise<Authority | null> {
  const answer = await fetch(AUTHORITY);
  const der = answer.ok ? derOf(await answer.text()) : null;
  if (!der) return null;
  // Over plain HTTP from elsewhere a browser computes no digests.
  const digest = globalThis.crypto.subtle ? await crypto.subtle.digest("SHA-256", der) : null;
  return { url, sha256: digest ? fingerprint(new Uint8Array(digest)) : "" };
}

export function usePlace(): Place {
  const [place, setPlace] = useState<Place>(() => usualPlace(location.hostname));
  useEffect(() => {
    // A guest does not see the configuration; the usual port is shown.
    Promise.all([ask<Configuration>("/configuration"), isAdmin.value ? ask<Pairing>("/pairing") : null]).then(
      async ([configuration, door]) => {
        const found = placeOf(configuration, location.hostname, door?.network);
        setPlace(found);
        const authority = found.tls ? await authorityOf(authorityUrl(configuration, found, location)).catch(() => null) : null;
        if (authority) setPlace({ ...found, authority });
      },
      () => setPlace(guessedPlace(location.hostname)),
    );
  }, [isAdmin.value]);
  return place;
}

function Qr({ text }: { text: string }): VNode {
  const { path, size } = useMemo(() => qrPath(text), [text]);
  return (
    <svg class="qr" viewBox={`0 0 ${size} ${size}`} role="img" aria-label={t().empty.qrLabel(text)} shape-rendering="crispEdges">
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" />
    </svg>
  );
}

/** The broker as a code to scan, and where its authority is. */
export function Code({ place }: { place: Place }): VNode {
  const { empty } = t(),
    { authority } = place;
  return (
    <>
      {place.onlyHere ? <p class="notice">{empty.onlyHere[place.onlyHere]}</p> : null}
      <p>{empty.qr}</p>
      <Qr text={pairingUrl(place)} />
      <dl class="facts">
        <dt>{empty.broker}</dt>
        <dd>
          <code>{brokerUrl(place)}</code>
        </dd>
        {place.tls ? (
          <>
            <dt>{empty.ca}</dt>
            <dd>
              {authority ? (
                <>
                  <a href={AUTHORITY} download>
                    ca.pem
                  </a>
                  {authority.sha256 ? (
                    <>
                      <br />
                      <small>
                        SHA-256 <code>{authority.sha256}</code>
                      </small>
                    </>
                  ) : null}
                </>
              ) : (
                empty.caWhere
              )}
            </dd>
          </>
        ) : null}
      </dl>
    </>
  );
}

export function Lines({ place }: { place: Place }): VNode {
  const lines = snippets(place),
    [picked, pick] = useState(0);
  return (
    <>
      <div role="group" aria-label={t().empty.snippet} class="choices">
        {lines.map(({ name }, at) => (
          <button key={name} type="button" aria-pressed={at === picked} onClick={() => pick(at)}>
            {name}
          </button>
        ))}
      </div>
      <Copy text={lines[picked]!.text} />
    </>
  );
}

export default function Connect(): VNode {
  const place = usePlace();
  return (
    <div class="ways">
      <div class="way">
        <Code place={place} />
      </div>
      <div class="way">
        <Lines place={place} />
      </div>
    </div>
  );
}
