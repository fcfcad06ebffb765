import { useRef } from 'react';
import { useQuery } from 'urql';
import { CandidatesDocument, type CandidatesQuery } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { Rule } from '../shell/rule';
import { lineageHref } from '../url/lineage';
import { count, percent } from '../words/format';
import { plural } from '../words/words';
import type { LineageAnswer, LineageFlow, PanelProps } from './types';

type Candidate = NonNullable<CandidatesQuery['candidates']>['candidates'][number];

/** Rates are compared for it: as seldom as one can bear, while the window goes on with the clock. */
const ASK_SECONDS = 60;

/** The writers without a name of a node: of a topic only where this view draws some. */
export function unidentifiedOf(node: { id: string; kind: string }, flows: LineageFlow[]): string | null {
  if (node.kind === 'UNIDENTIFIED') return node.id;
  const flow = flows.find((f) => f.to.id === node.id && f.from.id.startsWith('unidentified:'));
  return flow?.from.id ?? null;
}

/** Who the writers without a name may be, with the rule that would say so. It is offered, and nobody is joined. */
export function Candidates({
  id,
  window,
  state,
}: { id: string; window: LineageAnswer['window'] } & Pick<PanelProps, 'state'>) {
  const { start, end } = useSettled(window);
  const [{ data, error }, again] = useQuery({
    query: CandidatesDocument,
    variables: { topic: id, window: { start, end } },
  });
  const answer = data?.candidates;
  return (
    <section className="panel-part candidates" aria-labelledby="candidates-title">
      <h3 id="candidates-title">
        Who it may be <span className="note">offered, and never joined unasked</span>
      </h3>
      <Problem error={error} again={again} />
      {!answer && !error && <p className="empty">Loading</p>}
      {answer && answer.candidates.length > 0 && (
        <ol>
          {answer.candidates.map((c) => (
            <One key={`${c.kind} ${c.name}`} candidate={c} state={state} />
          ))}
        </ol>
      )}
      {answer && answer.candidates.length === 0 && <p>Nobody that anything speaks for.</p>}
      {answer && (
        <p className="note">
          {plural(answer.considered, 'candidate')} considered
          {answer.leftOut > 0 && `, ${count(answer.leftOut)} more left out`}
          {answer.detail && `. Not told: ${answer.detail}`}.
        </p>
      )}
    </section>
  );
}

function One({ candidate: c, state }: { candidate: Candidate } & Pick<PanelProps, 'state'>) {
  return (
    <li>
      <p className="who">
        <KindIcon kind={c.kind} />
        {c.node ? (
          <Link href={lineageHref({ ...state, roots: [c.node.id], selected: null })}>
            <bdi>{c.name}</bdi>
          </Link>
        ) : (
          <span>
            <bdi>{c.name}</bdi> <span className="note">never seen</span>
          </span>
        )}
        <b className="num" title="How likely, by these reasons and what speaks for others">
          {percent(c.score)}
        </b>
      </p>
      <ul className="reasons">
        {c.reasons.map((r) => (
          <li key={r.kind}>
            {r.factor < 1 ? 'Against: ' : ''}
            {r.words} <span className="note">×{r.factor}</span>
          </li>
        ))}
      </ul>
      <details>
        <summary>The rule that would name it so</summary>
        <Rule text={c.rule} name={c.name} />
      </details>
    </li>
  );
}

/** The window, taken over when it is another one or has gone on for long enough. */
function useSettled(window: LineageAnswer['window']): LineageAnswer['window'] {
  const kept = useRef(window);
  const by = Date.parse(window.end) - Date.parse(kept.current.end);
  const length = (w: LineageAnswer['window']) => Date.parse(w.end) - Date.parse(w.start);
  if (by < 0 || by >= ASK_SECONDS * 1000 || length(window) !== length(kept.current)) kept.current = window;
  return kept.current;
}
