// What the charts show as a table of a few rows: for whoever reads with their ears, and for numbers to take along.
import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { rowsOf } from "../compute/rows";
import { dateTime, t } from "../text";
import { nameOf } from "../view/describe";
import { Table } from "../view/Table";
import { words } from "./Chart";
import type { SeriesByName } from "./histories";
import type { Shown } from "./range";

/** Positions stand until the next one. */
const STANDS = new Set(["position", "commanded"]);

interface Props {
  series: SeriesByName;
  names: readonly string[];
  shown: Shown;
}

function Rows({ series, names, shown }: Props): VNode {
  const some = names.filter(name => series.get(name)?.times.length),
    columns = some.map(name => ({ aligned: series.get(name)!, stands: STANDS.has(name) }));
  const rows = rowsOf(columns, shown, Date.now() / 1000, new Date(shown.to * 1000).getTimezoneOffset() * -60);
  return (
    <Table
      label={t().room.charts}
      rows={rows}
      keyOf={({ time }) => String(time)}
      empty={t().room.noHistory}
      columns={[
        { head: t().plot.time, cell: ({ time }) => dateTime(time * 1000) },
        ...some.map((name, at) => ({
          head: nameOf(name),
          cell: ({ cells }: (typeof rows)[number]) => {
            const cell = cells[at];
            if (!cell) return "–";
            const mean = words(name, cell.mean),
              ends = [words(name, cell.least), words(name, cell.most)];
            return ends.every(end => end === mean) ? mean : `${mean} (${ends.join(" – ")})`;
          },
          kind: "number" as const,
        })),
      ]}
    />
  );
}

export function HistoryTable(props: Props): VNode {
  const [open, show] = useState(false);
  return (
    <details class="history-table" onToggle={event => show(event.currentTarget.open)}>
      <summary>{t().plot.table(t().room.charts)}</summary>
      {open ? (
        <>
          <p class="quiet">{t().room.tableWhy}</p>
          <div class="rows" tabIndex={0} role="region" aria-label={t().room.charts}>
            <Rows {...props} />
          </div>
        </>
      ) : null}
    </details>
  );
}
