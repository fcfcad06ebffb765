import type { FlowState } from '../gql/graphql';
import { Icon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { StateSign } from '../shell/state-sign';
import type { CatalogState } from '../url/catalog';
import { ago, compact, count } from '../words/format';
import { GOING_LONG, GOING_WORD, type Going, going, toneOf } from '../words/going';
import { plural } from '../words/words';
import type { CatalogRow } from './paging';

export type Narrow = (patch: Partial<CatalogState>) => void;

export const stateOfFlow = (g: Going): string => (g === 'unknown' ? 'not known' : GOING_WORD[g]);

interface StatesProps {
  counts: readonly { state?: FlowState | null; count: number }[];
  /** Those that are asked for; none: all. */
  wanted: readonly Going[];
}

/** How the flows of a node go: of those that are asked for the one that needs somebody most, and how many of all are so. */
export function States({ counts, wanted }: StatesProps) {
  const first = counts.find((c) => wanted.includes(going(c))) ?? counts[0];
  if (!first) {
    return (
      <span className="none" title="no flow of it is known">
        –
      </span>
    );
  }
  const all = counts.reduce((sum, c) => sum + c.count, 0);
  const state = going(first);
  return (
    <span
      className={`goes tone-${toneOf(state)}`}
      title={
        all > 1
          ? `Flows: ${counts.map((c) => `${count(c.count)} ${stateOfFlow(going(c))}`).join(', ')}`
          : GOING_LONG[state]
      }
    >
      <StateSign state={state} />
      {stateOfFlow(state)}
      {first.count < all && (
        <span className="note">
          {count(first.count)} of {count(all)}
        </span>
      )}
    </span>
  );
}

/** How far readers are behind. Nothing to be behind of, and a lag that can't be told, are two answers, and none is zero. */
export function Lag({ node }: { node: CatalogRow }) {
  // The newest point alone: an older one would hide that it is not known any more.
  const lag = node.lagSeries?.points.at(-1)?.value;
  if (lag != null) return <>{compact(lag)}</>;
  return node.lagSeries ? (
    <span className="unknown">not known</span>
  ) : (
    <span className="none" title="no lag is known">
      –
    </span>
  );
}

/** When records went in or out last. ends: whether the window ends now, so that one can say how long ago. */
export function LastMoved({ at, ends }: { at: string | null | undefined; ends: boolean }) {
  if (!at) {
    return (
      <span className="none" title="It was not seen to move in the window, nor in the seven days before its end">
        not in 7 days
      </span>
    );
  }
  return <Instant at={at} when={ends ? ago : undefined} />;
}

/** How many tags stand in a row; all are in its title. */
const TAGS = 2;

/** Whose a node is, each a way to see only such. */
export function Owners({ node, narrow, tabIndex }: { node: CatalogRow; narrow: Narrow; tabIndex: 0 | -1 }) {
  const more = node.tags.length - TAGS;
  return (
    <span className="owners" title={[node.owner, ...node.tags].filter(Boolean).join(', ')}>
      {node.owner && (
        <button
          type="button"
          className="narrow"
          tabIndex={tabIndex}
          aria-label={`Only what ${node.owner} owns`}
          onClick={() => narrow({ owner: node.owner ?? null })}
        >
          <Icon name="owner" />
          <bdi>{node.owner}</bdi>
        </button>
      )}
      {node.tags.slice(0, TAGS).map((t) => (
        <button
          type="button"
          key={t}
          className="narrow tag"
          tabIndex={tabIndex}
          aria-label={`Only what has the tag ${t}`}
          onClick={() => narrow({ tag: t })}
        >
          <bdi>{t}</bdi>
        </button>
      ))}
      {more > 0 && <span className="note">+{more}</span>}
    </span>
  );
}

/** What a screen reader hears of how many there are. */
export const sizeText = (total: number): string => plural(total, 'node');
