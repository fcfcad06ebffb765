import { before, oldest } from '../lineage/held';
import { Icon } from '../shell/icons';
import { Words } from '../shell/instant';
import { type CatalogState, initialCatalog } from '../url/catalog';
import type { Change } from '../url/use-url';
import type { Said } from '../words/said';
import type { Head } from './paging';

interface Props {
  head: Head;
  state: CatalogState;
  change: Change<CatalogState>;
}

/** Why there is no row. That nothing was observed, and that nothing is there, look and read differently. */
export function NoRows({ head, state, change }: Props) {
  const held = head.coverage.heldSince;
  const early = before(head.coverage.window, held) === 'ends';
  const unobserved = early || head.coverage.observedFraction === 0;
  const { window: _, order: __, ...filters } = initialCatalog;
  const narrowed = Object.entries(filters).some(
    ([k, v]) => String(state[k as keyof typeof filters] ?? '') !== String(v ?? ''),
  );
  return (
    <div className={`empty ${unobserved ? 'not-observed' : 'observed'}`}>
      <p className="empty-head">
        <Icon name={unobserved ? 'warn' : 'ok'} />
        <b>
          {early
            ? 'This window is before the data.'
            : unobserved
              ? 'Nothing was observed.'
              : narrowed
                ? 'Nothing matches.'
                : 'There is nothing.'}
        </b>
      </p>
      <p>
        <Words said={why({ early, unobserved, narrowed, complete: head.coverage.complete, held })} />
      </p>
      <nav className="ways" aria-label="From here">
        {narrowed && (
          <button type="button" onClick={() => change(filters)}>
            Give up all filters
          </button>
        )}
        {unobserved && held && (
          <button type="button" onClick={() => change({ window: oldest(state, held) })}>
            The oldest data
          </button>
        )}
        {state.window.kind !== 'last' && (
          <button type="button" onClick={() => change({ window: initialCatalog.window })}>
            The last 10 minutes
          </button>
        )}
      </nav>
    </div>
  );
}

interface Why {
  early: boolean;
  unobserved: boolean;
  narrowed: boolean;
  complete: boolean;
  held: string | null | undefined;
}

function why({ early, unobserved, narrowed, complete, held }: Why): Said {
  if (early && held) {
    return [
      'Data is held since ',
      { at: held },
      '. Of what was before nothing is known: nobody looked, or it is kept no longer.',
    ];
  }
  if (unobserved) return ['Nothing was observed in this window: what was there is not known.'];
  if (narrowed) {
    return [
      complete
        ? 'Names, owners and tags are searched. Internal topics are left out unless asked for.'
        : 'Names, owners and tags are searched, of what was observed; a part of the window was not.',
    ];
  }
  return [
    'No topic is there, and nobody used one in the window or in the seven days before its end. At a start the first round takes one interval.',
  ];
}
