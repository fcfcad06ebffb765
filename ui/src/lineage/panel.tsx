import { type RefObject, useEffect, useRef } from 'react';
import { stringifyDocument, useQuery } from 'urql';
import { FlowDetailDocument, NodeDetailDocument } from '../gql/graphql';
import { CoverageDetail, coverageText } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { isFlowId, lineageHref } from '../url/lineage';
import { nodePage } from '../url/node';
import { withDefaults } from '../words/query';
import { FlowPanel } from './flow-panel';
import { NodePanel } from './node-panel';
import { NotThere } from './not-there';
import { CopyQuery } from './panel-parts';
import type { PanelProps } from './types';

/** Everything about one node or flow, in exactly the window that the graph shows. */
export function Panel(props: PanelProps) {
  const panel = useRef<HTMLElement>(null);
  useReadingOn(panel, props.id);
  const { change } = props;
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
      <PanelContent {...props} />
    </aside>
  );
}

/** What a panel holds; page: it stands on a page of its own. */
export function PanelContent({ page, ...props }: PanelProps & { page?: boolean }) {
  const { answer, id, state } = props;
  return (
    <>
      {isFlowId(id) ? <OfFlow key={id} {...props} /> : <OfNode key={id} {...props} />}
      <section className="panel-part">
        <h3>
          Coverage <span className="note">{coverageText(answer.coverage)}</span>
        </h3>
        <CoverageDetail coverage={answer.coverage} />
      </section>
      <footer className="panel-part panel-foot">
        {page ? (
          <Link href={lineageHref({ ...state, selected: id })}>In the graph</Link>
        ) : (
          <Link href={nodePage(id, state.window, state.column)}>As a page</Link>
        )}
        <CopyQuery text={() => questionOf(id, answer.window)} />
      </footer>
    </>
  );
}

/** The question that a panel asks, to be asked again elsewhere. */
function questionOf(id: string, { start, end }: PanelProps['answer']['window']): string {
  const window = { start, end };
  return isFlowId(id)
    ? withDefaults(stringifyDocument(FlowDetailDocument), { id, window, withLag: true })
    : withDefaults(stringifyDocument(NodeDetailDocument), { id, window, ...askedOf(id) });
}

/** What is asked only of some kinds: topics are used and kept, and columns lie in topics and datasets. */
function askedOf(id: string) {
  const isTopic = id.startsWith('topic:');
  return { isTopic, holds: isTopic || id.startsWith('dataset:') };
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
      <NotThere id={id} state={state} change={change} error={error} again={again} />
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
    variables: { id, window: { start, end }, ...askedOf(id) },
  });
  return (
    <>
      <NotThere id={id} state={state} change={change} error={error} again={again} />
      {data?.node && <NodePanel node={data.node} told={data} answer={answer} state={state} change={change} />}
      {data?.node === null && !error && <p className="empty">This node is not known.</p>}
      {!data && !error && <p className="empty">Loading</p>}
    </>
  );
}
