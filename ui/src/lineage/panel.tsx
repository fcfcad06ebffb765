import { type RefObject, useEffect, useRef } from 'react';
import { useQuery } from 'urql';
import { FlowDetailDocument, NodeDetailDocument } from '../gql/graphql';
import { CoverageDetail, coverageText } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Problem } from '../shell/problem';
import { isFlowId } from '../url/lineage';
import { FlowPanel } from './flow-panel';
import { NodePanel } from './node-panel';
import type { PanelProps } from './types';

/** Everything about one node or flow, in exactly the window that the graph shows. */
export function Panel(props: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  useReadingOn(panel, props.id);
  const { answer, change } = props;
  return (
    <aside ref={panel} tabIndex={-1} className="panel" aria-label={isFlowId(props.id) ? 'Flow' : 'Node'}>
      <button
        type="button"
        className="quiet icon-button panel-close"
        aria-label="Close the panel"
        title="Close (Esc)"
        onClick={() => change({ selected: null })}
      >
        <Icon name="close" />
      </button>
      {isFlowId(props.id) ? <OfFlow key={props.id} {...props} /> : <OfNode key={props.id} {...props} />}
      <section className="panel-part">
        <h3>
          Coverage <span className="note">{coverageText(answer.coverage)}</span>
        </h3>
        <CoverageDetail coverage={answer.coverage} />
      </section>
    </aside>
  );
}

/**
 * Who opened the panel from the graph or a table goes on reading in it, also when they follow a link inside; closing it
 * leads back to where they came from.
 */
function useReadingOn(panel: RefObject<HTMLElement | null>, id: string): void {
  const came = useRef<HTMLElement | null>(null);
  const before = useRef(id);
  // biome-ignore lint/correctness/useExhaustiveDependencies: for each thing that is opened
  useEffect(() => {
    const at = document.activeElement;
    const fromView = at instanceof HTMLElement && at.matches('[data-graph-id], .tables .row-button');
    if (fromView) came.current = at;
    // Following a link inside takes the link away, and the focus with it.
    if (fromView || (before.current !== id && (at === document.body || panel.current?.contains(at)))) {
      panel.current?.focus({ preventScroll: true });
    }
    before.current = id;
  }, [id]);
  useEffect(() => () => came.current?.focus({ preventScroll: true }), []);
}

function OfFlow({ id, answer, state, change }: PanelProps) {
  const kind = answer.flows.find((f) => f.id === id)?.kind;
  const { start, end } = answer.window;
  const [{ data, error }, again] = useQuery({
    query: FlowDetailDocument,
    variables: {
      id,
      window: { start, end },
      withLag: kind === undefined || kind === 'CONSUME' || kind === 'REPLICATE',
    },
  });
  return (
    <>
      <Problem error={error} again={again} />
      {data?.flow && <FlowPanel flow={data.flow} answer={answer} state={state} change={change} />}
      {data?.flow === null && !error && <p className="empty">This flow was not seen in this window.</p>}
      {!data && !error && <p className="empty">Loading</p>}
    </>
  );
}

function OfNode({ id, answer, state, change }: PanelProps) {
  const { start, end } = answer.window;
  const [{ data, error }, again] = useQuery({
    query: NodeDetailDocument,
    variables: { id, window: { start, end } },
  });
  return (
    <>
      <Problem error={error} again={again} />
      {data?.node && <NodePanel node={data.node} answer={answer} state={state} change={change} />}
      {data?.node === null && !error && <p className="empty">This node is not known.</p>}
      {!data && !error && <p className="empty">Loading</p>}
    </>
  );
}
