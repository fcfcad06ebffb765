import { FileLinks } from '../shell/file-links';
import { Icon, KindIcon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { Problem } from '../shell/problem';
import { whatIfHref } from '../url/export';
import { count } from '../words/format';
import { kindOf, nameOfId, nodeName, plural } from '../words/words';
import { ColumnWays } from './columns/ways';
import type { Mark } from './lit';
import { LossMark } from './loss-mark';
import type { LineageAnswer, PanelProps } from './types';
import { deletedMark, marksOf, starvingMark, type useWhatIf, type WhatIf } from './use-what-if';

interface Props extends Pick<PanelProps, 'state' | 'change'> {
  answer: LineageAnswer;
  found: ReturnType<typeof useWhatIf>;
}

/** What is hurt by a loss: the same marks as on the cards. */
export function WhatIfPanel({ answer, found, state, change }: Props) {
  const { whatIf, error, again } = found;
  return (
    <aside tabIndex={-1} className="panel what-if" aria-label="What if it is lost">
      <button
        type="button"
        className="quiet icon-button panel-close"
        aria-label="Close the list"
        title="Close (Esc)"
        onClick={() => change({ lose: [] })}
      >
        <Icon name="close" />
      </button>
      <header className="panel-head">
        <p className="panel-kind">At the rates of this window, from its end on</p>
        <h2>What if this is lost</h2>
        <ul className="lose" aria-label="Thought away">
          {state.lose.map((id) => (
            <li key={id}>
              <bdi>{nameOfLoss(id)}</bdi>
              <button
                type="button"
                className="quiet"
                aria-label={`Keep ${nameOfLoss(id)}`}
                onClick={() => change({ lose: state.lose.filter((other) => other !== id) })}
              >
                keep
              </button>
            </li>
          ))}
        </ul>
        <FileLinks hrefOf={(form) => whatIfHref(state.lose, state.window, form)} />
      </header>
      <Problem error={error} again={again} />
      {!whatIf && !error && <p className="empty">Loading</p>}
      {whatIf && <Hurt whatIf={whatIf} answer={answer} state={state} change={change} />}
    </aside>
  );
}

function nameOfLoss(id: string): string {
  const [node, path] = id.split('#');
  if (node && path != null) return `${path} of ${nameOfId(node)}`;
  return /^(cluster|broker):/.test(id) ? id.replace(':', ' ') : nameOfId(id);
}

type HurtProps = Pick<PanelProps, 'state' | 'change'> & { whatIf: WhatIf; answer: LineageAnswer };

function Hurt({ whatIf, answer, state, change }: HurtProps) {
  const columns = state.lose.filter((id) => id.includes('#'));
  const marks = marksOf(whatIf);
  const drawn = new Set(answer.nodes.map((n) => n.id));
  const outside = whatIf.starved.filter((s) => !drawn.has(s.node.id)).length;
  return (
    <>
      {!whatIf.coverage.complete && (
        <p className="note panel-part">A part of this window was not observed: more may be hurt than is listed.</p>
      )}
      {whatIf.untold.length > 0 && (
        <ul className="panel-part untold" aria-label="Cannot be told">
          {whatIf.untold.map((text) => (
            <li key={text}>
              <LossMark mark={{ kind: 'unknown', words: text }} />
            </li>
          ))}
        </ul>
      )}
      <List title="Lost" all={whatIf.lostCount} shown={whatIf.lost.length}>
        {whatIf.lost.map(({ node }) => (
          <Row key={node.id} node={node} mark={marks.get(node.id)} state={state} change={change} />
        ))}
      </List>
      {whatIf.copiesCount > 0 && (
        <p className="note panel-part">
          {whatIf.onlyCopies === 0
            ? 'No topic loses its only copy.'
            : `${plural(whatIf.onlyCopies, 'topic')} of these had no other copy.`}
          {whatIf.copiesUnknown > 0 && ` Of ${count(whatIf.copiesUnknown)} it cannot be told whether a copy is left.`}
        </p>
      )}
      <List title="Starves" all={whatIf.starvedCount} shown={whatIf.starved.length}>
        {whatIf.starved.map((s) => (
          <Row key={s.node.id} node={s.node} mark={starvingMark(s)} state={state} change={change}>
            <span>{plural(s.hops, 'hop')}</span>
            {s.waiting != null && s.waiting !== '0' && <span>{count(s.waiting)} records wait for it</span>}
            {s.at && (
              <span>
                <Instant at={s.at} />
              </span>
            )}
          </Row>
        ))}
      </List>
      {whatIf.starvedCount === 0 && columns.length < state.lose.length && (
        <p className="note panel-part">Nobody was seen to live on what is lost in this window.</p>
      )}
      {outside > 0 && <p className="note panel-part">{plural(outside, 'node')} of these lie beyond what is drawn.</p>}
      <List title="Runs into retention" all={whatIf.retentionCount} shown={whatIf.retention.length}>
        {whatIf.retention.map((r) => (
          <li key={r.flow.id} className="hit">
            <button
              type="button"
              className="row-button"
              aria-pressed={state.selected === r.flow.id}
              onClick={() => change({ selected: r.flow.id })}
            >
              <bdi className="name">{nameOfId(r.flow.to.id)}</bdi> reads <bdi>{nameOfId(r.flow.from.id)}</bdi>
              {r.reader === 'LOST' ? ' no more' : ' perhaps no more: it cannot write'}
            </button>
            <p className="hit-facts">
              <LossMark mark={deletedMark(r)} />
              {r.at && (
                <span>
                  <Instant at={r.at} />
                </span>
              )}
              <span>{r.why}</span>
            </p>
          </li>
        ))}
      </List>
      {columns.map((field) => (
        <div key={field} className="panel-part columns">
          <ColumnWays
            field={field}
            window={answer.window}
            state={state}
            close={() => change({ lose: state.lose.filter((other) => other !== field) })}
          />
        </div>
      ))}
    </>
  );
}

interface ListProps {
  title: string;
  all: number;
  shown: number;
  children: React.ReactNode;
}

function List({ title, all, shown, children }: ListProps) {
  if (all === 0) return null;
  return (
    <section>
      <h3 className="panel-part">
        {title} <span className="note">{count(all)}</span>
      </h3>
      <ul className="hits">{children}</ul>
      {shown < all && <p className="note panel-part">{plural(all - shown, 'more')} not listed here.</p>}
    </section>
  );
}

interface RowProps extends Pick<PanelProps, 'state' | 'change'> {
  node: WhatIf['lost'][number]['node'];
  mark: Mark | undefined;
  children?: React.ReactNode;
}

function Row({ node, mark, state, change, children }: RowProps) {
  return (
    <li className="hit">
      <button
        type="button"
        className="row-button"
        aria-pressed={state.selected === node.id}
        onClick={() => change({ selected: node.id })}
      >
        <KindIcon kind={node.kind} />
        <span className="sr">{kindOf(node)} </span>
        <bdi className="name">{nodeName(node)}</bdi>
      </button>
      <p className="hit-facts">
        {mark && <LossMark mark={mark} />}
        {children}
      </p>
    </li>
  );
}
