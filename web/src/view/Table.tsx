// A table whose rows become cards on a narrow screen: each value then has its column's name beside it.
import type { ComponentChildren, VNode } from "preact";
import { Fragment } from "preact";

export interface Column<R> {
  /** What it is called; beside the value where there is no room for a head. */
  head: string;
  cell: (row: R) => ComponentChildren;
  /** `number`: to the right. `actions`: buttons, whose head is for screen readers alone. */
  kind?: "number" | "actions";
}

interface Props<R> {
  /** What the table shows, for screen readers. */
  label: string;
  /** The first one says what a row is about. */
  columns: readonly (Column<R> | null)[];
  rows: readonly R[];
  keyOf: (row: R) => string;
  /** Where there is nothing. */
  empty?: ComponentChildren;
  /** What stands below a row, over its whole width. */
  below?: (row: R) => ComponentChildren;
  /** Attributes of a row. */
  data?: (row: R) => Record<`data-${string}`, string>;
}

// The roles are stated because a row that is laid out as a card is no row to a browser.
export function Table<R>({ label, columns, rows, keyOf, empty, below, data }: Props<R>): VNode {
  const shown = columns.filter(column => column !== null);
  if (!rows.length) return <p class="quiet">{empty}</p>;
  return (
    <div class="table">
      <table class="wide" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {shown.map(({ head, kind }, at) => (
              <th key={at} role="columnheader" class={kind === "number" ? "number" : undefined}>
                {kind === "actions" ? <span class="hidden">{head}</span> : head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map(row => {
            const more = below?.(row);
            return (
              <Fragment key={keyOf(row)}>
                <tr role="row" {...data?.(row)}>
                  {shown.map(({ head, kind, cell }, at) => (
                    <td key={at} role="cell" data-label={at && kind !== "actions" ? head : undefined} class={kind}>
                      <div>{cell(row)}</div>
                    </td>
                  ))}
                </tr>
                {more ? (
                  <tr role="row" class="below">
                    <td role="cell" colSpan={shown.length}>
                      {more}
                    </td>
                  </tr>
                ) : null}
              </Fragment>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
