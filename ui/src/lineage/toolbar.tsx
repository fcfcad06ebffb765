import { type ReactNode, useId, useState } from 'react';
import type { Direction } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { impactOf, type LineageState, lineageHref, MAX_DEPTH, type View } from '../url/lineage';
import { usagePage } from '../url/usage';
import type { RateUnit } from '../words/format';
import { kindOf, placeOf } from '../words/words';
import { EvidenceFilter } from './evidence-filter';
import { ExportMenu } from './export-menu';
import type { LineageAnswer } from './types';

interface Props {
  state: LineageState;
  change(patch: Partial<LineageState>): void;
  title: string;
  answer: LineageAnswer | undefined;
  fetching: boolean;
  again(): void;
  /** What is to be said of the live mode. */
  children?: ReactNode;
}

const DIRECTIONS: [Direction, string][] = [
  ['UPSTREAM', 'Upstream'],
  ['BOTH', 'Both'],
  ['DOWNSTREAM', 'Downstream'],
];
const VIEWS: [View, string, 'graph' | 'table' | 'list'][] = [
  ['graph', 'Graph', 'graph'],
  ['table', 'Table', 'table'],
  ['events', 'Events', 'list'],
];
const UNITS: [RateUnit, string][] = [
  ['records', 'Records'],
  ['bytes', 'Bytes'],
];

/** Where one goes from what the view is of, without a click on it first. */
function Onward({ state, root }: { state: LineageState; root: LineageAnswer['nodes'][number] | undefined }) {
  if (state.roots.length === 0) return null;
  const alone = state.roots.length === 1 ? root : undefined;
  return (
    <span className="onward">
      {alone && !state.impact && <Link href={impactOf(state, alone.id)}>what it starves</Link>}
      {alone?.kind === 'TOPIC' && <Link href={usagePage(alone.id, state.window)}>who used it</Link>}
      <Link href={lineageHref({ window: state.window, live: state.live })}>show everything</Link>
    </span>
  );
}

export function Toolbar({ state, change, title, answer, fetching, again, children }: Props) {
  const root = answer?.nodes.find((n) => n.id === state.roots[0]);
  const rooted = state.roots.length > 0;
  const id = useId();
  const [drawer, setDrawer] = useState(false);
  return (
    <div className="toolbar">
      <div className="toolbar-row">
        <div className="title">
          {root && <KindIcon kind={root.kind} />}
          <h1 title={title}>
            <bdi>{title}</bdi>
          </h1>
          {root && (
            <span className="note">
              {kindOf(root)}
              {placeOf(root) && (
                <>
                  , <bdi>{placeOf(root)}</bdi>
                </>
              )}
            </span>
          )}
          <Onward state={state} root={root} />
        </div>
        <button
          type="button"
          className="drawer-button"
          aria-expanded={drawer}
          aria-controls={id}
          onClick={() => setDrawer(!drawer)}
        >
          <Icon name="filter" /> View
        </button>
        <ExportMenu state={state} />
      </div>
      <div id={id} className={`toolbar-row toolbar-drawer ${drawer ? 'open' : ''}`}>
        <Segments label="View" value={state.view} onChange={(view) => change({ view })}>
          {VIEWS.map(([value, word, icon]) => ({ value, word, icon }))}
        </Segments>
        {rooted && state.path === null && (
          <>
            <Segments
              label="Direction"
              value={state.direction}
              onChange={(direction) => change({ direction, impact: false, path: null })}
            >
              {DIRECTIONS.map(([value, word]) => ({ value, word }))}
            </Segments>
            <Depth depth={state.depth} onChange={(depth) => change({ depth })} />
          </>
        )}
        <EvidenceFilter state={state} change={change} />
        <Segments label="Rates in" value={state.unit} onChange={(unit) => change({ unit })}>
          {UNITS.map(([value, word]) => ({ value, word }))}
        </Segments>
        <label
          className="check"
          title="Flows that moved nothing in the window but did in the seven days before its end"
        >
          <input type="checkbox" checked={state.inactive} onChange={(e) => change({ inactive: e.target.checked })} />
          inactive
        </label>
        <label
          className="check"
          title="Topics inside stream jobs, and those in which Kafka, Connect and MirrorMaker keep their books"
        >
          <input type="checkbox" checked={state.internal} onChange={(e) => change({ internal: e.target.checked })} />
          inner topics
        </label>
        <div className="grow-end toolbar-time">
          <button
            type="button"
            aria-pressed={state.compare !== null}
            title="What changed since another window"
            onClick={() =>
              change({ compare: state.compare === null ? 'before' : null, selected: null, impact: false, path: null })
            }
          >
            Compare
          </button>
          <span className="note" role="status" aria-label="Live">
            {state.live && children}
          </span>
          <button type="button" className="icon-button" onClick={again} aria-label="Refresh" title="Refresh">
            <span className={fetching && !state.live ? 'spin' : ''}>
              <Icon name="refresh" />
            </span>
          </button>
        </div>
      </div>
    </div>
  );
}

interface SegmentsProps<T extends string> {
  label: string;
  value: T | null;
  onChange(value: T): void;
  children: { value: T; word: string; icon?: 'graph' | 'table' | 'list' }[];
}

export function Segments<T extends string>({ label, value, onChange, children }: SegmentsProps<T>) {
  return (
    <fieldset className="segments">
      <legend className="sr">{label}</legend>
      {children.map((c) => (
        <button type="button" key={c.value} aria-pressed={c.value === value} onClick={() => onChange(c.value)}>
          {c.icon && <Icon name={c.icon} />}
          {c.word}
        </button>
      ))}
    </fieldset>
  );
}

function Depth({ depth, onChange }: { depth: number; onChange(depth: number): void }) {
  return (
    <fieldset className="segments stepper">
      <legend className="sr">Depth</legend>
      <button type="button" disabled={depth <= 1} onClick={() => onChange(depth - 1)} aria-label="Less depth">
        −
      </button>
      <output aria-label="Depth">{depth === 1 ? '1 hop' : `${depth} hops`}</output>
      <button type="button" disabled={depth >= MAX_DEPTH} onClick={() => onChange(depth + 1)} aria-label="More depth">
        +
      </button>
    </fieldset>
  );
}
