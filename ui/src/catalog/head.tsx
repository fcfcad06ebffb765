import type { NodeOrder } from '../gql/graphql';
import type { CatalogState } from '../url/catalog';
import type { Narrow } from './cells';

interface Column {
  word: string;
  className: string;
  /** What a click on it orders by. */
  order?: NodeOrder;
}

const COLUMNS: Column[] = [
  { word: 'Name', className: 'of-name', order: 'NAME' },
  { word: 'Kind', className: 'of-kind' },
  { word: 'Cluster', className: 'of-place' },
  { word: 'Owner, tags', className: 'of-owner' },
  { word: 'In', className: 'of-rate num' },
  { word: 'Out', className: 'of-rate num' },
  { word: 'Rate', className: 'of-line', order: 'RATE' },
  { word: 'Lag', className: 'of-lag num', order: 'LAG' },
  { word: 'State', className: 'of-state' },
  { word: 'Last moved', className: 'of-moved', order: 'LAST_MOVED' },
];

export const COLUMN_COUNT = COLUMNS.length;

/** What a list can be ordered by, and in which way. */
export const ORDERS: [NodeOrder | '', string][] = [
  ['', 'best match'],
  ['NAME', 'name'],
  ['RATE', 'rate, highest first'],
  ['LAG', 'lag, largest first'],
  ['LAST_MOVED', 'last moved, newest first'],
];

/** The head of the table. Each order has one way, so that a second click gives it up. */
export function Head({ state, narrow }: { state: CatalogState; narrow: Narrow }) {
  return (
    <thead>
      <tr>
        {COLUMNS.map(({ word, className, order }) => {
          const on = order !== undefined && state.order === order;
          return (
            <th key={word} scope="col" className={className} aria-sort={on ? sortOf(order) : undefined}>
              {order ? (
                <button
                  type="button"
                  className="sort"
                  title={`Order by ${ORDERS.find(([o]) => o === order)?.[1]}`}
                  onClick={() => narrow({ order: on ? null : order })}
                >
                  {word}
                  <span aria-hidden="true">{on ? (order === 'NAME' ? '↑' : '↓') : '↕'}</span>
                </button>
              ) : (
                word
              )}
            </th>
          );
        })}
      </tr>
    </thead>
  );
}

const sortOf = (order: NodeOrder) => (order === 'NAME' ? 'ascending' : 'descending');
