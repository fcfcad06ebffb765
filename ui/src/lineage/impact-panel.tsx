import { Icon, KindIcon } from '../shell/icons';
import { Instant, Words } from '../shell/instant';
import { Problem } from '../shell/problem';
import { StateBadge } from '../shell/state-sign';
import { impactHref } from '../url/export';
import { whenIn } from '../url/window';
import { count, duration } from '../words/format';
import { lagTone } from '../words/going';
import { deserted, isRead, kindOf, LAG_UNKNOWN, lagUnknown, nameOfId, nodeName, plural } from '../words/words';
import { lagTime } from './elements';
import type { LineageAnswer, PanelProps } from './types';
import type { Hit, useImpact } from './use-impact';

interface Props extends Pick<PanelProps, 'state' | 'change'> {
  answer: LineageAnswer;
  found: ReturnType<typeof useImpact>;
}

/** What a node starves, in the order in which it would be missed: the same numbers as on the cards. */
export function ImpactPanel({ answer, found, state, change }: Props) {
  const { impact, error, again, more } = found;
  const [root = ''] = state.roots;
  const drawn = new Set(answer.nodes.map((n) => n.id));
  const outside = impact?.edges.filter((e) => !drawn.has(e.node.node.id)).length ?? 0;
  return (
    <aside tabIndex={-1} className="panel impact" aria-label="What it starves">
      <button
        type="button"
        className="quiet icon-button panel-close"
        aria-label="Close the list"
        title="Close (Esc)"
        onClick={() => change({ impact: false })}
      >
        <Icon name="close" />
      </button>
      <header className="panel-head">
        <p className="panel-kind">Everything downstream, in the order in which it would miss what is missing</p>
        <h2>
          What <bdi>{nameOfId(root)}</bdi> starves
        </h2>
        {impact && (
          <p className="impact-sum">
            {impact.totalCount === 0 ? (
              <NothingHit complete={impact.coverage.complete} />
            ) : (
              <>
                <b>{plural(impact.totalCount, 'node')}</b> of {owners(impact)}
              </>
            )}
          </p>
        )}
        {impact && impact.totalCount > 0 && (
          <p className="panel-links">
            <a className="button" href={impactHref(state, 'csv')} download>
              CSV
            </a>
            <a className="button" href={impactHref(state, 'json')} download>
              JSON
            </a>
          </p>
        )}
      </header>
      <Problem error={error} again={again} />
      {!impact && !error && <p className="empty">Loading</p>}
      {impact && impact.totalCount > 0 && (
        <>
          <Owners owners={impact.owners} more={impact.ownerCount - impact.owners.length} />
          <ol className="hits">
            {impact.edges.map(({ node: h }, i) => (
              <HitRow key={h.node.id} hit={h} number={i + 1} state={state} change={change} />
            ))}
          </ol>
          {more && (
            <p className="panel-part">
              <button type="button" onClick={more}>
                Show more
              </button>
            </p>
          )}
          {impact.edges.length < impact.totalCount && (
            <p className="note panel-part">
              {plural(impact.totalCount - impact.edges.length, 'more node')} not listed here: the files have all of
              them.
            </p>
          )}
          {outside > 0 && (
            <p className="note panel-part">{plural(outside, 'node')} of these lie beyond what is drawn.</p>
          )}
          <p className="note panel-part">
            After how long is told where it is measured: a reader misses a record as late as it is behind, and from
            topic to topic it takes what sampled traces took. Not known is not at once.
          </p>
        </>
      )}
    </aside>
  );
}

const NothingHit = ({ complete }: { complete: boolean }) =>
  complete
    ? 'Nothing: nobody was seen to read from it, in this window and in the seven days before its end.'
    : 'Nobody was seen to read from it; a part of this window was not observed, so that somebody may.';

function owners({ owners, ownerCount }: { owners: readonly { owner?: string | null }[]; ownerCount: number }): string {
  const nobody = owners.some((o) => o.owner == null);
  const named = ownerCount - (nobody ? 1 : 0);
  if (named === 0) return 'no known owner';
  return nobody ? `${plural(named, 'owner')}, and of some no owner is known` : plural(named, 'owner');
}

function Owners({ owners, more }: { owners: readonly { owner?: string | null; count: number }[]; more: number }) {
  return (
    <ul className="by-owner panel-part" aria-label="By owner">
      {owners.map((o) => (
        <li key={o.owner ?? ''}>
          {o.owner == null ? <span className="unknown">no owner known</span> : <bdi>{o.owner}</bdi>}{' '}
          <b>{count(o.count)}</b>
        </li>
      ))}
      {more > 0 && <li>{plural(more, 'more owner')}</li>}
    </ul>
  );
}

interface RowProps extends Pick<PanelProps, 'state' | 'change'> {
  hit: Hit;
  number: number;
}

function HitRow({ hit, number, state, change }: RowProps) {
  const { node, through } = hit;
  const when = whenIn(state.window);
  const alone = isRead(through) ? deserted([through]) : null;
  return (
    <li className="hit">
      <button
        type="button"
        className="row-button"
        aria-pressed={state.selected === node.id}
        onClick={() => change({ selected: node.id })}
      >
        <span className="hit-step">{number}</span>
        <KindIcon kind={node.kind} />
        <span className="sr">{kindOf(node)} </span>
        <bdi className="name">{nodeName(node)}</bdi>
      </button>
      <p className="hit-facts">
        <span className={hit.afterSeconds == null ? 'unknown' : ''}>{after(hit)}</span>
        <span>{plural(hit.hops, 'hop')}</span>
        {node.owner ? <bdi>{node.owner}</bdi> : <span className="unknown">no owner known</span>}
        <StateBadge flow={through} />
        {isRead(through) && !alone && <LagOf hit={hit} />}
        {alone && (
          <span className="alarm">
            <Words said={alone} when={when} />
          </span>
        )}
        {through.lastMoved && through.state !== 'MOVING' && !alone && (
          <span>
            moved <Instant at={through.lastMoved} when={when} />
          </span>
        )}
        {!through.lastMoved && <span className="unknown">not seen to move in seven days</span>}
      </p>
    </li>
  );
}

function LagOf({ hit: { through } }: { hit: Hit }) {
  if (lagUnknown(through)) return <span className="unknown">{LAG_UNKNOWN}</span>;
  if (through.lag == null || through.lag === '0') return null;
  const late = lagTime(through);
  return (
    <span className={`lag tone-${lagTone(through)}`}>
      {count(through.lag)} behind{late ? `, ${late}` : ''}
    </span>
  );
}

/** After how long: measured, at least, or not known. */
export function after(hit: Pick<Hit, 'afterSeconds' | 'atLeastSeconds'>): string {
  if (hit.afterSeconds != null) return `after ${duration(hit.afterSeconds)}`;
  return hit.atLeastSeconds > 0 ? `after ${duration(hit.atLeastSeconds)} at least` : 'after how long is not known';
}
