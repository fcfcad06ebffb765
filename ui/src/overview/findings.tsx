import { useState } from 'react';
import type { FindingKind, OverviewQuery } from '../gql/graphql';
import { FindingSign } from '../shell/finding-sign';
import { Icon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import {
  calm,
  causeOf,
  FINDING_WORD,
  type Found,
  findingCount,
  findingTone,
  overWords,
  type Part,
  sentence,
  starving,
  unknownFlows,
} from '../words/findings';
import { percent } from '../words/format';
import { plural } from '../words/words';

type Answer = NonNullable<OverviewQuery['findings']>;

/** From so many on they stand in groups, and of each group the first are shown. */
const MANY = 9;
const OF_GROUP = 4;

interface Props {
  found: Answer;
  window: WindowChoice;
  when(iso: string): string;
  /** Asks for more of them. */
  more(): void;
}

/** What is wrong or new, the worst first; where nothing is, what that means. */
export function Findings({ found, window, when, more }: Props) {
  const all = found.edges.map((e) => e.node);
  const wrong = found.byKind.some((k) => k.kind !== 'NEW' && k.kind !== 'GONE');
  const over = overWords(window);
  const said = calm(found.coverage, found.unknown, over, percent(found.coverage.observedFraction));
  const rest = found.totalCount - all.length;
  return (
    <section className="card findings" aria-labelledby="findings-title">
      <div className="card-head">
        <h2 id="findings-title">Wrong or new</h2>
        <Counts counts={found.byKind} />
      </div>
      {!wrong && <Calm said={said} unobserved={found.coverage.observedFraction === 0} />}
      {all.length < MANY ? (
        <Rows all={all} window={window} when={when} label="Findings" />
      ) : (
        [...Map.groupBy(all, (f) => f.kind)].map(([kind, of]) => (
          <Group
            key={kind}
            kind={kind}
            of={of}
            total={found.byKind.find((k) => k.kind === kind)?.count ?? of.length}
            window={window}
            when={when}
          />
        ))
      )}
      {(rest > 0 || (wrong && found.unknown > 0) || found.resting > 0) && (
        <p className="card-foot note">
          {wrong && found.unknown > 0 && <span>{unknownFlows(found.unknown)}</span>}
          {found.resting > 0 && (
            <span title="Silent no longer than they were twice before, or ended before the window with nothing waiting and nobody starved.">
              {plural(found.resting, 'silent flow')}{' '}
              {found.resting === 1 ? 'rests as usual or has' : 'rest as usual or have'} ended.
            </span>
          )}
          {rest > 0 && (
            <button type="button" onClick={more}>
              Show more of {plural(found.totalCount, 'finding')}
            </button>
          )}
        </p>
      )}
    </section>
  );
}

function Counts({ counts }: { counts: Answer['byKind'] }) {
  return (
    <ul className="finding-counts" aria-label="How many">
      {counts.map(({ kind, count }) => (
        <li key={kind} className="goes">
          <FindingSign kind={kind} />
          {findingCount(kind, count)}
        </li>
      ))}
    </ul>
  );
}

function Calm({ said, unobserved }: { said: ReturnType<typeof calm>; unobserved: boolean }) {
  return (
    <div className={`calm ${said.good ? 'good' : unobserved ? 'not-observed' : said.whole ? 'whole' : 'partly'}`}>
      <Icon name={said.good ? 'ok' : said.whole ? 'clock' : 'warn'} />
      <p>
        <b>{said.head}</b> {said.more}
      </p>
    </div>
  );
}

interface GroupProps {
  kind: FindingKind;
  of: Found[];
  total: number;
  window: WindowChoice;
  when(iso: string): string;
}

/** Those of one kind, the first of them until all are asked for. */
function Group({ kind, of, total, window, when }: GroupProps) {
  const [all, setAll] = useState(false);
  const shown = all ? of : of.slice(0, OF_GROUP);
  return (
    <section className="finding-group" aria-label={findingCount(kind, total)}>
      <h3>{findingCount(kind, total)}</h3>
      <Rows all={shown} window={window} when={when} label={FINDING_WORD[kind]} />
      {of.length > OF_GROUP && (
        <button type="button" className="quiet more" aria-expanded={all} onClick={() => setAll(!all)}>
          {all ? 'Fewer' : `${of.length - OF_GROUP} more`} {FINDING_WORD[kind]}
        </button>
      )}
    </section>
  );
}

function Rows({
  all,
  label,
  ...rest
}: {
  all: Found[];
  label: string;
  window: WindowChoice;
  when(iso: string): string;
}) {
  return (
    <ul className="finding-rows" aria-label={label}>
      {all.map((f) => (
        <Row key={f.id} found={f} {...rest} />
      ))}
    </ul>
  );
}

function Row({ found: f, window, when }: { found: Found; window: WindowChoice; when(iso: string): string }) {
  const to = causeOf(f, window);
  const starves = starving(f);
  const said = <Sentence parts={sentence(f)} />;
  return (
    <li className={`finding tone-${findingTone(f)}`}>
      <span className={`goes tone-${findingTone(f)}`}>
        <FindingSign kind={f.kind} />
        {FINDING_WORD[f.kind]}
      </span>
      <span className="finding-said">
        {to ? (
          <Link href={lineageHref(to)} className="finding-link">
            {said}
          </Link>
        ) : (
          said
        )}
        {starves && (
          <span className="finding-starves">
            <Sentence parts={starves} />
          </span>
        )}
        {f.kind === 'UNOBSERVED' && f.sources && <span className="mono">{f.sources.join(', ')}</span>}
      </span>
      <span className="finding-since">
        {f.since ? (
          <span>
            {f.kind === 'GONE' || f.kind === 'NEW' || f.kind === 'LOST' ? '' : 'since '}
            <Instant at={f.since} when={when} />
          </span>
        ) : (
          <span className="note">
            {f.kind === 'FALLING_BEHIND' ? 'for more than 10 min' : 'for longer than is known'}
          </span>
        )}
      </span>
      <span className="finding-owner">{f.owner ? <bdi>{f.owner}</bdi> : <span className="note">no owner</span>}</span>
    </li>
  );
}

export function Sentence({ parts }: { parts: Part[] }) {
  return parts.map((p, i) =>
    typeof p === 'string' ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a sentence have no other name than their place
      <span key={i}>{p}</span>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: likewise
      <bdi key={i} className="name">
        {p.name}
      </bdi>
    ),
  );
}
