// The recordings of a room, where they are kept: a list over the range of the charts, and a player. For operators and admins.
import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { part, query } from "../api/client";
import type { Clip } from "../api/types";
import { loudness } from "../compute/sound";
import { mayChange } from "../state/session";
import { dateTime, number, t } from "../text";
import { useAsk } from "../view/useAsk";
import { shownRange } from "./range";
import "../style/insight.css";

const ROWS = 12,
  MORE = 60;

export function Clips({ device_id }: { device_id: string }): VNode | null {
  const { clips: texts } = t(),
    { from, to, follows } = shownRange.value;
  const [limit, more] = useState(ROWS),
    [played, play] = useState<Clip | null>(null),
    [broken, breaks] = useState(false),
    player = useRef<HTMLAudioElement>(null);
  // A range that follows the time is asked for again by the clock, not at each of its steps.
  const wanted = follows ? `-${Math.round(to - from)}s` : new Date(from * 1000).toISOString();
  const end = follows ? undefined : new Date(to * 1000).toISOString();
  const { value, failure } = useAsk<Clip[]>(
    `/devices/${part(device_id)}/clips${query({ kept: "true", from: wanted, to: end, limit })}`,
    30_000,
  );
  useEffect(() => {
    breaks(false);
    if (played) void player.current?.play().catch(() => undefined);
  }, [played]);
  // Most houses keep no recordings: then nothing is said of them.
  if (!value?.length && !played) return failure && value ? <p class="notice">{t().failed(failure)}</p> : null;
  const source = (clip: Clip) => `/api/v1/recordings/${part(device_id)}/${part(clip.timestamp)}`;
  return (
    <section class="panel clips" aria-labelledby="clips">
      <h2 id="clips">{texts.title}</h2>
      <p class="quiet">{mayChange.value ? texts.why : texts.forbidden}</p>
      {played ? (
        <div class="player">
          <p>{texts.playing(dateTime(played.timestamp))}</p>
          <audio
            ref={player}
            controls
            preload="auto"
            src={source(played)}
            onError={() => breaks(true)}
            aria-label={texts.playing(dateTime(played.timestamp))}
          />
          {broken ? (
            <p role="alert" class="wrong">
              {texts.gone}
            </p>
          ) : null}
        </div>
      ) : null}
      <ul>
        {(value ?? []).map(clip => (
          <li key={clip.timestamp} class="row spread" data-clip={clip.timestamp}>
            <span>
              <time dateTime={clip.timestamp}>{dateTime(clip.timestamp)}</time>{" "}
              <span class="quiet">
                {number(clip.duration_s, 1)} s
                {clip.level_dbfs == null ? "" : ` · ${t().loudness[loudness(clip.level_dbfs)]} (${number(clip.level_dbfs)} dBFS)`}
              </span>
            </span>
            {mayChange.value ? (
              <button
                aria-pressed={played?.timestamp === clip.timestamp}
                aria-label={texts.playOf(dateTime(clip.timestamp))}
                onClick={() => play({ ...clip })}
              >
                {texts.play}
              </button>
            ) : null}
          </li>
        ))}
      </ul>
      {value?.length === limit && limit < MORE ? <button onClick={() => more(MORE)}>{t().more}</button> : null}
    </section>
  );
}
