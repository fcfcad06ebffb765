// Where a column comes from, where it leads, and who is hurt without it.
import { type ReactNode, useEffect, useId, useRef } from 'react';
import { useQuery } from 'urql';
import { ColumnWaysDocument } from '../../gql/graphql';
import { coverageText } from '../../shell/coverage';
import { KindIcon } from '../../shell/icons';
import { Link } from '../../shell/link';
import { Name } from '../../shell/name';
import { Problem } from '../../shell/problem';
import { type LineageState, lineageHref } from '../../url/lineage';
import { EVIDENCE_WORD, plural } from '../../words/words';
import type { LineageAnswer } from '../types';
import { type Column, cutWords, mayHurtMore, moved, owners, pathOf, type Step, stepsOf, type Ways } from './words';

interface Props {
  field: string;
  window: LineageAnswer['window'];
  state: LineageState;
  close(): void;
}

export function ColumnWays({ field, window, state, close }: Props) {
  const { start, end } = window;
  const [{ data, error }, again] = useQuery({
    query: ColumnWaysDocument,
    variables: { field, window: { start, end } },
  });
  const title = useId();
  const heading = useRef<HTMLHeadingElement>(null);
  // Who chose a column reads on here, and comes back to it when this closes. A link opens where the page begins.
  useEffect(() => {
    const came = document.activeElement;
    if (!(came instanceof HTMLElement) || !came.matches('.columns-table button')) return;
    heading.current?.focus();
    return () => {
      if (document.activeElement === document.body) came.focus();
    };
  }, []);
  const ways = data?.columnLineage;
  return (
    <section className="column-ways" aria-labelledby={title}>
      <header>
        <h4 ref={heading} id={title} tabIndex={-1}>
          Ways of <bdi className="mono">{pathOf(field)}</bdi>
        </h4>
        <button type="button" className="quiet" onClick={close}>
          Close
        </button>
      </header>
      <div role="status">
        <Problem error={error} again={again} />
        {!ways && !error && <p className="empty">Loading</p>}
      </div>
      {ways && <Told ways={ways} state={state} />}
    </section>
  );
}

function Told({ ways, state }: { ways: Ways; state: LineageState }) {
  const down = ways.columns.filter((c) => c.direction === 'DOWNSTREAM');
  const up = ways.columns.filter((c) => c.direction === 'UPSTREAM');
  const readers = down.filter((c) => c.reads);
  const places = down.filter((c) => !c.reads);
  const self = ways.columns.find((c) => c.direction == null);
  const cut = cutWords(ways);
  return (
    <>
      {self?.inSchema === false && <p className="unknown">No schema of it has this column at the window's end.</p>}
      <Ends
        title="Not known"
        note={mayHurtMore(ways) ? 'so more may be hurt than is listed' : 'so it may come from more than is listed'}
        all={ways.unknown}
        total={ways.unknownCount}
        field={ways.field}
      />
      {cut && <p className="note">{cut}</p>}
      <Group title="Who is hurt without it" none="Nobody is known to read it.">
        {readers.length > 0 && <Owners hurt={readers} />}
        {list(readers, ways, state)}
      </Group>
      <Group title="Where it leads" none="To no other column that is known.">
        {list(places, ways, state)}
      </Group>
      <Group title="Where it comes from" none="From no other column that is known.">
        {list(up, ways, state)}
      </Group>
      <Ends title="Where it ends" all={ways.ends} total={ways.endCount} field={ways.field} />
      <p className="note">
        Of this window: {coverageText(ways.coverage)}.
        {!ways.coverage.complete && ' What was not observed may hold more ways.'}
      </p>
    </>
  );
}

function Group({ title, none, children }: { title: string; none: string; children: ReactNode }) {
  const empty = !children || (Array.isArray(children) && children.every((c) => !c));
  return (
    <>
      <h5>{title}</h5>
      {empty ? <p className="note">{none}</p> : children}
    </>
  );
}

function Owners({ hurt }: { hurt: Column[] }) {
  const { owned, nobodys } = owners(hurt);
  return (
    <p>
      {owned.map(([owner, n], i) => (
        <span key={owner}>
          {i > 0 && ', '}
          <bdi>{owner}</bdi>
          {n > 1 && ` (${n})`}
        </span>
      ))}
      {nobodys > 0 && (
        <span className="unknown">
          {owned.length > 0 && ', '}
          no owner is known of {nobodys}
        </span>
      )}
    </p>
  );
}

function list(all: Column[], ways: Ways, state: LineageState): ReactNode {
  if (all.length === 0) return null;
  return (
    <ul className="column-list">
      {all.map((c) => (
        <At key={`${c.field} ${c.reads}`} column={c} steps={stepsOf(ways, c)} state={state} />
      ))}
    </ul>
  );
}

/** A column and how it comes to be it. The link shows its node in the same window, with that column chosen. */
function At({ column: c, steps, state }: { column: Column; steps: Step[]; state: LineageState }) {
  const chosen = c.reads ? { selected: null, column: null } : { selected: c.node.id, column: c.field };
  const href = lineageHref({ ...state, roots: [c.node.id], impact: false, path: null, lose: [], ...chosen });
  return (
    <li>
      <p className="column-at">
        <Link className="node-link" href={href}>
          <KindIcon kind={c.node.kind} />
          <bdi>{c.node.name}</bdi>
        </Link>
        <bdi className="mono">{c.path || 'the whole'}</bdi>
        {c.type && <bdi className="mono note">{c.type}</bdi>}
      </p>
      <p className="note">
        {plural(c.hops, 'hop')}
        {', '}
        {c.node.owner ? (
          <>
            owner <bdi>{c.node.owner}</bdi>
          </>
        ) : (
          'owner not known'
        )}
        {!c.reads && c.inSchema === false && ', no schema there has it'}
      </p>
      {c.assumed && <p className="unknown">? assumed: nobody says which columns it reads, so all of them are taken</p>}
      {steps.length > 0 && (
        <ul className="column-steps">
          {steps.map((s) => (
            <OneStep key={`${s.from} ${s.to} ${s.through.id} ${s.how}`} step={s} of={c} />
          ))}
        </ul>
      )}
    </li>
  );
}

function OneStep({ step: s, of }: { step: Step; of: Column }) {
  const other = of.direction === 'UPSTREAM' ? s.to : s.from;
  return (
    <li className="note">
      {of.direction === 'UPSTREAM' ? 'becomes ' : of.reads ? 'reads ' : 'of '}
      <bdi className="mono">{pathOf(other)}</bdi>
      {!of.reads && (
        <>
          {' through '}
          <Name node={s.through} />
        </>
      )}
      {s.how && !s.assumed && (
        <>
          {': '}
          <bdi>{s.how}</bdi>
        </>
      )}
      {' ('}
      <span title={s.evidence ? EVIDENCE_WORD[s.evidence].long : undefined}>
        {s.evidence ? `known by ${EVIDENCE_WORD[s.evidence].short}` : 'nobody says so'}
      </span>
      {s.masked && (
        <>
          {', '}
          <b>masked: it tells nothing of what stood before</b>
        </>
      )}
      {`, ${moved(s.active)})`}
    </li>
  );
}

interface EndsProps {
  title: string;
  note?: string;
  all: Ways['ends'];
  total: number;
  field: string;
}

/** Where a way ends, or where nobody knows how it goes on. */
function Ends({ title, note, all, total, field }: EndsProps) {
  if (total === 0) return null;
  return (
    <>
      <h5>
        {title} {note && <span className="note">{note}</span>}
      </h5>
      <ul className={note ? 'reasons is-unknown' : 'reasons'} aria-label={title}>
        {all.map((e) => (
          <li key={`${e.field} ${e.at.id} ${e.why}`}>
            {note && <span aria-hidden="true">? </span>}
            <KindIcon kind={e.at.kind} /> <Name node={e.at} />: <bdi>{e.why}</bdi>
            {e.field !== field && (
              <span className="note">
                {' at '}
                <bdi className="mono">{e.field}</bdi>
              </span>
            )}
          </li>
        ))}
      </ul>
      {total > all.length && <p className="note">{plural(total - all.length, 'more')} not shown here.</p>}
    </>
  );
}
