import { useEffect, useMemo, useState } from 'react';
import { useQuery } from 'urql';
import { useLive } from '../data/live';
import { AllFlowsDocument, LineageDocument } from '../gql/graphql';
import { CoverageBadge, CoveragePopup } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Between, Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { Misread } from '../shell/misread';
import { usePhone } from '../shell/phone';
import { Problem } from '../shell/problem';
import { useShortcuts } from '../shell/shortcuts';
import { StateSign } from '../shell/state-sign';
import { Compare } from '../time/compare';
import { mapHref } from '../url/estate';
import { folded, initialFolding } from '../url/folding';
import { asked, formatLineage, type LineageState, lineageHref, parseLineage } from '../url/lineage';
import { type Change, useUrlState } from '../url/use-url';
import { windowInput } from '../url/window';
import { count, parseDuration } from '../words/format';
import { GOING_WORD, going, tone, worstTone } from '../words/going';
import { activity, isAllowed, nameOfId, plural } from '../words/words';
import { useChosenWays } from './chosen-ways';
import { departed } from './departed';
import { elements } from './elements';
import { EventList } from './events';
import { Graph } from './graph';
import { before, oldest } from './held';
import { Hops } from './hops';
import { ImpactPanel } from './impact-panel';
import { LastLife, useLastLives, windowOf } from './last-life';
import type { Lit } from './lit';
import { Lighting } from './lit-context';
import { isNotFound, Missing } from './missing';
import { Panel } from './panel';
import { PathsPanel } from './paths-panel';
import { usePicture } from './picture';
import { allFlowsVariables, lineageVariables } from './question';
import { shownOf } from './stacks';
import { Places, rearranged } from './steady';
import { LineageTables } from './tables';
import { Toolbar } from './toolbar';
import type { LineageAnswer } from './types';
import { useImpact } from './use-impact';
import { usePaths } from './use-paths';
import { useWhatIf } from './use-what-if';
import { WhatIfPanel } from './what-if-panel';

const codec = { path: '/lineage', parse: parseLineage, format: formatLineage };

export function LineagePage() {
  const [state, change] = useUrlState(codec);
  const present = useLineage(state);
  const { error, missing, again } = present;
  const lives = useLastLives(departed(state.roots, present.answer, missing), state.window);
  const life = state.roots.length === 1 ? lives?.[0] : undefined;
  const then = windowOf(life);
  // Of whom the window does not have, the end of the last life is shown; the address stays what was asked for.
  const past: LineageState | null = then && { ...state, window: then, live: false, compare: null };
  const was = useLineage(past ?? state, past === null);
  const { answer, frame, fetching } = past ? was : present;
  const at = past ?? state;
  const step = parseDuration(answer?.window.step ?? '') ?? 10;
  const seconds = Math.min(Math.max(step, 1), 60);
  const link = useLive({
    window: windowInput(state.window),
    shown: present.answer?.version,
    fetching: present.fetching,
    again,
    seconds: state.live ? seconds : null,
  });
  const impact = useImpact(answer, at);
  const paths = usePaths(answer, at);
  const loss = useWhatIf(answer, at);
  const title = titleOf(state);
  useEffect(() => {
    document.title = `${title} · lineaged`;
  }, [title]);
  useShortcuts({
    t: () => change({ view: state.view === 'table' ? 'graph' : 'table' }),
    escape: () =>
      change(
        state.selected
          ? { selected: null }
          : state.impact || state.path
            ? { impact: false, path: null }
            : state.lose.length > 0
              ? { lose: [] }
              : { compare: null },
      ),
  });
  return (
    <main id="main" className="lineage">
      <Toolbar state={state} change={change} title={title} answer={answer} fetching={fetching} again={again}>
        {link === 'lost' && `not connected, asking every ${seconds} s`}
      </Toolbar>
      <Misread />
      <Problem error={missing ? undefined : error} again={again} />
      {past && life && (
        <LastLife life={life} shown>
          <Link className="button" href={lineageHref(past)}>
            Go to that time
          </Link>
          <Link className="button" href={lineageHref({ window: state.window, live: state.live })}>
            Everything in the window asked for
          </Link>
        </LastLife>
      )}
      {past && <Problem error={was.error} again={was.again} />}
      {answer && <Notices answer={answer} state={at} change={change} />}
      <div className={past ? 'lineage-body past' : 'lineage-body'}>
        <div className="lineage-view" aria-busy={fetching}>
          {missing && !past && <Missing state={state} error={error} lives={lives} again={again} />}
          {answer && (
            <View
              answer={answer}
              frame={frame}
              state={at}
              change={change}
              again={again}
              lit={loss.lit ?? impact.lit ?? paths.lit}
            />
          )}
          {!answer && (past ? !was.error : !missing && !error) && <p className="empty">Loading</p>}
        </div>
        {answer && beside(state) === 'lose' && <WhatIfPanel answer={answer} found={loss} state={at} change={change} />}
        {answer && beside(state) === 'compare' && <Compare state={state} window={answer.window} change={change} />}
        {answer && state.selected && state.view !== 'events' && (
          <Panel id={state.selected} answer={answer} state={at} change={change} />
        )}
        {answer && beside(state) === 'impact' && (
          <ImpactPanel answer={answer} found={impact} state={at} change={change} />
        )}
        {answer && beside(state) === 'path' && <PathsPanel found={paths} state={at} change={change} />}
      </div>
      <p className="sr" role="status">
        {answer ? counted(answer) : ''}
      </p>
    </main>
  );
}

/** Which list stands beside the picture where nothing is selected. */
function beside({ selected, lose, impact, path, compare, view }: LineageState) {
  if (selected) return null;
  if (lose.length > 0) return 'lose';
  if (impact) return 'impact';
  if (path) return 'path';
  return compare && view !== 'events' ? 'compare' : null;
}

function titleOf(state: LineageState): string {
  const names = state.roots.map(nameOfId).join(', ');
  if (state.lose.length > 0) return 'What if it is lost';
  if (state.path) return `${names} to ${nameOfId(state.path)}`;
  if (state.impact) return `What ${names} starves`;
  return names || 'Everything that moved';
}

/** One question for the whole view. The last answer stays while the next one loads, also when the window changes. */
function useLineage(state: LineageState, pause = false) {
  const phone = usePhone();
  const all = state.roots.length === 0;
  const [rooted, rootedAgain] = useQuery({
    query: LineageDocument,
    pause: pause || all,
    variables: lineageVariables(state, phone),
  });
  const [flows, flowsAgain] = useQuery({
    query: AllFlowsDocument,
    pause: pause || !all,
    variables: allFlowsVariables(state, phone),
  });
  const result = all ? flows : rooted;
  const found = all ? flows.data?.flows : rooted.data?.lineage;
  // What the picture is of. It changes with the answer, not with the question: until then the old picture stands.
  const { roots, direction, depth } = asked(state);
  const of = `${roots.join(' ')} ${direction} ${depth} ${state.internal}`;
  const [kept, setKept] = useState<{ answer: LineageAnswer; frame: string }>();
  if (found && found !== kept?.answer) setKept({ answer: found, frame: of });
  const failed = result.error !== undefined && !result.error.networkError && !found;
  const missing = isNotFound(result.error) || (result.data !== undefined && found === null && !result.error);
  return {
    // An answer about other roots is not kept beside an error: it would look like the answer.
    answer: failed || missing ? undefined : (found ?? kept?.answer),
    frame: kept?.frame ?? of,
    error: result.error,
    fetching: result.fetching,
    missing,
    again: all ? flowsAgain : rootedAgain,
  };
}

interface ViewProps {
  answer: LineageAnswer;
  frame: string;
  state: LineageState;
  change: Change<LineageState>;
  again(): void;
  /** What is lit whatever is selected; null: what is selected. */
  lit: Lit | null;
}

function View({ answer, frame, state, change, again, lit }: ViewProps) {
  const shown = useMemo(() => shownOf(answer, state.roots, state), [answer, state]);
  const [places] = useState(() => new Places());
  const [arranged, setArranged] = useState(0);
  const settled = useMemo(() => places.settle(shown.answer, `${frame} ${arranged}`), [places, shown, frame, arranged]);
  const drawn = useMemo(
    () => elements(settled, state.roots, state.unit, { expand: state.expand, away: shown.away }),
    [settled, shown, state.roots, state.unit, state.expand],
  );
  const others = useMemo(() => rearranged(settled.positions, shown.answer.positions), [settled, shown]);
  const picture = usePicture(state.view === 'graph' ? answer : undefined, state, change);
  const chosen = useChosenWays(lit ? undefined : answer, state);
  const phone = usePhone();
  const blind = answer.nodes.length === 0 && answer.coverage.observedFraction === 0;
  if (state.view === 'events' && !blind) return <EventList window={answer.window} state={state} />;
  if (answer.nodes.length === 0) {
    return <Missing state={state} answer={answer} again={again} />;
  }
  // The picture's answer stands until the table's is there, which has no stacks, nor has a phone.
  if ((state.view === 'table' || phone) && answer.stacks.some((s) => s.folded)) return <p className="empty">Loading</p>;
  if (state.view === 'table') return <LineageTables answer={answer} state={state} change={change} />;
  if (phone) return <Hops answer={answer} state={state} change={change} />;
  return (
    <Lighting answer={shown.answer} lit={lit ?? chosen}>
      <Graph
        drawn={drawn}
        frame={frame}
        selected={state.selected}
        onSelect={(id) => change({ selected: id })}
        picture={picture}
      >
        {shown.hidden > 0 && (
          <button type="button" onClick={() => change({ hide: [], collapse: [] })}>
            Show hidden ({shown.hidden})
          </button>
        )}
        {folded(state) > 0 && (
          <button type="button" onClick={() => change(initialFolding)}>
            As it was drawn first
          </button>
        )}
        {others && (
          <button
            type="button"
            title="Who stays in the picture stays in place. Draw it as a new link would be"
            onClick={() => setArranged(arranged + 1)}
          >
            Arrange anew
          </button>
        )}
      </Graph>
    </Lighting>
  );
}

/** How many nodes an answer is of: those that are drawn, and those in stacks. */
function nodesIn({ nodes, stacks }: LineageAnswer): number {
  return stacks.reduce((sum, s) => sum + (s.folded ? s.count - 1 : 0), nodes.length);
}

/** The counts of a view in words. */
function counted(answer: LineageAnswer): string {
  const stacks = answer.stacks.filter((s) => s.folded);
  const inside = stacks.reduce((sum, s) => sum + s.count, 0);
  const words = [plural(nodesIn(answer), 'node'), plural(answer.flows.length, 'flow')];
  if (stacks.length > 0) words.push(`${inside} nodes in ${plural(stacks.length, 'stack')}`);
  return words.join(', ');
}

const SICK = ['stalled', 'falling-behind', 'stopped'] as const;

function Notices({ answer, state, change }: Omit<ViewProps, 'frame' | 'again' | 'lit'>) {
  const [open, setOpen] = useState(false);
  const held = answer.coverage.heldSince;
  const inactive = answer.flows.filter((f) => f.active === false).length;
  const allowed = answer.flows.filter(isAllowed).length;
  const around = answer.flows.filter((f) => activity(f) === 'around').length;
  const unknown = answer.flows.filter((f) => f.active == null && !isAllowed(f)).length - around;
  return (
    <div className="notices">
      <CoverageBadge coverage={answer.coverage} open={open} onToggle={() => setOpen(!open)} />
      <span className="note">
        <Between start={answer.window.start} end={answer.window.end} />, step {answer.window.step}
      </span>
      <span className="note">
        {counted(answer)}
        {inactive > 0 && `, ${inactive} inactive`}
        {allowed > 0 && `, ${allowed} allowed`}
        {around > 0 && `, ${around} about then`}
        {unknown > 0 && `, ${unknown} not observed`}
      </span>
      {SICK.map((g) => (
        <Sick key={g} state={g} flows={answer.flows} selected={state.selected} change={change} />
      ))}
      {held && before(answer.window, held) === 'begins' && (
        <p className="truncated">
          <Icon name="warn" />
          <span>
            Data is held since <Instant at={held} />, which is within this window.
          </span>
          <Link href={lineageHref({ ...state, window: oldest(state, held), live: false })}>From there</Link>
        </p>
      )}
      {answer.truncated && (
        <p className="truncated">
          <Icon name="warn" />
          Showing {count(nodesIn(answer))} of {count(answer.totalNodes)} nodes, the most important ones.
          {state.roots.length === 0
            ? ' Open one node to see less.'
            : ' Choose one direction or a smaller depth to see less.'}
          {state.view === 'graph' && (
            <button type="button" className="row-button" onClick={() => change({ view: 'table' })}>
              As a table
            </button>
          )}
          <Link href={mapHref(state.window)}>As a map of groups</Link>
        </p>
      )}
      {open && <CoveragePopup coverage={answer.coverage} />}
    </div>
  );
}

interface SickProps {
  state: (typeof SICK)[number];
  flows: LineageAnswer['flows'];
  selected: string | null;
  change(patch: Partial<LineageState>): void;
}

/** How many flows are in such a state; a click leads to one after the other, also where they are out of sight. */
function Sick({ state, flows, selected, change }: SickProps) {
  const all = flows.filter((f) => going(f) === state);
  if (all.length === 0) return null;
  const next = all[(all.findIndex((f) => f.id === selected) + 1) % all.length];
  return (
    <button
      type="button"
      className={`sick goes tone-${worstTone(all.map(tone))}`}
      title="Show one after the other"
      onClick={() => next && change({ selected: next.id })}
    >
      <StateSign state={state} />
      {all.length} {GOING_WORD[state]}
    </button>
  );
}
