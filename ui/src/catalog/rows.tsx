import { type ReactNode, useEffect } from 'react';
import { usePhone } from '../shell/phone';
import type { CatalogState } from '../url/catalog';
import type { Narrow } from './cells';
import { COLUMN_COUNT, Head } from './head';
import type { Paging } from './paging';
import { Card, TableRow } from './row';
import { useArrows, useLooked } from './scrolled';
import { drawn } from './visible';

interface Props {
  list: Paging;
  /** Which question it answers: another one begins at its top. */
  of: string;
  state: CatalogState;
  narrow: Narrow;
  /** Says which rows are looked at. */
  want(from: number, to: number): void;
  /** What stands in place of rows where there are none. */
  children: ReactNode;
}

/** Heights of a row, a card and the head; the style sheet has them too. */
const ROW = 44;
const CARD = 116;
const HEAD = 34;
/** How many rows around those that are drawn are fetched too. */
const AHEAD = 50;

/** The rows of a long list, of which only those are in the page that one looks at. */
export function Rows({ list, of, state, narrow, want, children }: Props) {
  const phone = usePhone();
  const height = phone ? CARD : ROW;
  const total = list.head?.totalCount ?? 0;
  const { box, from, to } = useLooked(height, total, of);
  // What comes next is there before one gets to it.
  useEffect(() => want(from - AHEAD, to + AHEAD), [want, from, to]);
  const { current, ...keys } = useArrows(box, height, phone ? 0 : HEAD, total);
  const row = (index: number) => ({ index, node: list.rows.get(index), state, narrow, current: index === current });
  const parts = drawn(from, to, total, current);
  if (total === 0) return <div className="catalog-rows">{children}</div>;
  return (
    <div ref={box} className="catalog-rows" {...keys}>
      {phone ? (
        <ul aria-label="Nodes">
          {parts.map((p) =>
            'row' in p ? (
              <Card key={p.row} {...row(p.row)} total={total} />
            ) : (
              <li key={`to ${p.until}`} aria-hidden="true" style={{ height: p.space * CARD }} />
            ),
          )}
        </ul>
      ) : (
        <table aria-label="Nodes" aria-rowcount={total + 1}>
          <Head state={state} narrow={narrow} />
          <tbody>
            {parts.map((p) =>
              'row' in p ? (
                <TableRow key={p.row} {...row(p.row)} />
              ) : (
                <tr key={`to ${p.until}`} className="space">
                  <td colSpan={COLUMN_COUNT} style={{ height: p.space * ROW }} />
                </tr>
              ),
            )}
          </tbody>
        </table>
      )}
    </div>
  );
}
