import { useCallback, useEffect, useState } from 'react';
import { Hatch } from '../chart/sparkline';
import { useLive } from '../data/live';
import { CoverageBadge, CoveragePopup } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Words } from '../shell/instant';
import { Problem } from '../shell/problem';
import { type CatalogState, formatCatalog, parseCatalog } from '../url/catalog';
import { listHref } from '../url/export';
import { useUrlState } from '../url/use-url';
import { windowInput } from '../url/window';
import type { Said } from '../words/said';
import { plural } from '../words/words';
import { Filters } from './filters';
import { NoRows } from './no-rows';
import type { Head } from './paging';
import { DataProducts } from './products';
import { Rows } from './rows';
import { useList } from './use-list';

const codec = { path: '/catalog', parse: parseCatalog, format: formatCatalog };
/** How often is asked while the server can't tell that something is new; a tick is 10 s by default. */
const POLL_SECONDS = 10;

/** Every node, as a list that can be searched, narrowed and ordered. */
export function CatalogPage() {
  const [state, change] = useUrlState(codec);
  const { list, of, fetching, want, refresh } = useList(state);
  const { newer, show, arrived } = useNewer(list, refresh);
  useLive({
    window: windowInput(state.window),
    fetching,
    again: arrived,
    seconds: state.window.kind === 'last' ? POLL_SECONDS : null,
  });
  const narrow = useCallback((patch: Partial<CatalogState>) => change(patch), [change]);
  const head = list?.head;
  return (
    <main id="main" className="catalog">
      <div className="catalog-head">
        <h1>Catalog</h1>
        <Covered head={head} />
        <span className="note" role="status">
          {head ? <Words said={sizeSaid(head, state)} /> : 'loading'}
        </span>
        {newer && (
          <button type="button" className="newer" onClick={show}>
            <Icon name="refresh" /> Show what is newer
          </button>
        )}
        <Files state={state} />
      </div>
      <Filters state={state} change={change} />
      <DataProducts window={state.window} text={state.text} />
      <Problem error={list?.error} again={() => list?.again()} />
      <Hatch />
      {list ? (
        <div className="catalog-list" aria-busy={fetching}>
          <Rows list={list} of={of} state={state} narrow={narrow} want={want}>
            {head && <NoRows head={head} state={state} change={change} />}
          </Rows>
        </div>
      ) : (
        <p className="empty">Loading</p>
      )}
    </main>
  );
}

/** The list as it is narrowed, as a file: what edits say, to be brought back, and what holds. */
function Files({ state }: { state: CatalogState }) {
  return (
    <span className="catalog-files grow-end">
      <a className="button" href={listHref(state, 'csv')} download title="This list as a sheet: a row a node">
        CSV
      </a>
      <a className="button" href={listHref(state, 'yaml')} download title="What was edited of the nodes in this list">
        YAML
      </a>
    </span>
  );
}

function sizeSaid(head: Head, state: CatalogState): Said {
  const parts = [plural(head.totalCount, 'node')];
  if (head.unknown > 0 && state.order && state.order !== 'NAME') {
    const of = { RATE: 'rate', LAG: 'lag', LAST_MOVED: 'last movement' }[state.order];
    parts.push(`${head.unknown} without a known ${of} at the end`);
  }
  return [`${parts.join(', ')}, as of `, { at: head.coverage.window.end, exact: true }];
}

/** Rows under somebody's eye or key stay where they are: what is newer is offered, and shown at once only at the top. */
function useNewer(list: unknown, refresh: () => void) {
  const [newer, setNewer] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what is shown now is the newest that is known
  useEffect(() => setNewer(false), [list]);
  const arrived = useCallback(() => {
    const box = document.querySelector('.catalog-rows');
    if (box && (box.scrollTop > 0 || box.contains(document.activeElement))) setNewer(true);
    else refresh();
  }, [refresh]);
  return { newer, arrived, show: refresh };
}

/** What was observed of the window. */
function Covered({ head }: { head: Head | undefined }) {
  const [open, setOpen] = useState(false);
  if (!head) return null;
  return (
    <div className="covered">
      <CoverageBadge coverage={head.coverage} open={open} onToggle={() => setOpen(!open)} />
      {open && <CoveragePopup coverage={head.coverage} />}
    </div>
  );
}
