import {
  Background,
  BackgroundVariant,
  ControlButton,
  Controls,
  type EdgeTypes,
  getViewportForBounds,
  type NodeTypes,
  ReactFlow,
  ReactFlowProvider,
  useReactFlow,
  useStore,
  useStoreApi,
  type Viewport,
  ViewportPortal,
} from '@xyflow/react';
import '@xyflow/react/dist/base.css';
import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react';
import { useShortcuts } from '../shell/shortcuts';
import { plural } from '../words/words';
import { CaptionLayer } from './caption-layer';
import { Card } from './card';
import type { Drawn, Elements, FlowEdge } from './elements';
import { FlowLine, Markers } from './flow-line';
import { Focused, type Picture } from './focused';
import { CARD_HEIGHT, CARD_WIDTH } from './geometry';
import { calm, moved, useGhosts } from './ghosts';
import { LabelLayer } from './label-layer';
import { SmallMap } from './small-map';
import { StackCard } from './stack-card';
import { type Arrow, step } from './steps';

interface Props {
  drawn: Elements;
  /** What the picture is of: the view is fitted anew when it changes, and left alone when only the data does. */
  frame: string;
  selected: string | null;
  onSelect(id: string): void;
  picture: Picture;
  /** What is to be said of the picture, and done about it. */
  children?: ReactNode;
}

const nodeTypes: NodeTypes = { card: Card, stack: StackCard };
const edgeTypes: EdgeTypes = { flow: FlowLine };
const FIT = { padding: 0.06, maxZoom: 1.1 };
const MIN_ZOOM = 0.03;
/** Below this no name can be read: what cards have in common stands there, see captions. */
const READABLE = 0.35;
/** From where a name is read without effort. */
const NEAR = 0.7;
/** Above this a map helps to find one's way; below it is clutter. */
const MAP_FROM = 40;
/** So many flows have no labels where these can't be read. */
const MANY = 100;
/** Half a card, roughly: closer to the border than this counts as out of sight. */
const MARGIN = 100;

/** How far v must move to lie between the two. */
const into = (v: number, low: number, high: number): number => (v < low ? low - v : v > high ? high - v : 0);

/** The layered graph. It only draws: places are the server's. */
export function Graph(props: Props) {
  const { drawn } = props;
  const [pane, setPane] = useState<Size>();
  // Its size is known before anything is drawn, so that what is drawn first is what stays in sight.
  const measure = useCallback((el: HTMLDivElement | null) => {
    if (el) setPane({ width: el.clientWidth, height: el.clientHeight });
  }, []);
  return (
    <div className="graph-pane" ref={measure}>
      {pane && (
        <ReactFlowProvider
          initialNodes={drawn.nodes}
          initialEdges={drawn.edges}
          initialWidth={pane.width}
          initialHeight={pane.height}
        >
          <Drawing {...props} pane={pane} />
        </ReactFlowProvider>
      )}
    </div>
  );
}

interface Size {
  width: number;
  height: number;
}

/** A view of the whole picture. React Flow's own fit sees only the cards, and would cut off what runs back round them. */
const viewOfAll = ({ bounds }: Elements, { width, height }: Size): Viewport =>
  getViewportForBounds(bounds, width, height, MIN_ZOOM, FIT.maxZoom, FIT.padding);

/** A view of what is nearest to one of these nodes, the first that is drawn. */
function viewNear(drawn: Elements, ids: string[], { width, height }: Size): Viewport | undefined {
  const at = ids.map((id) => centre(drawn, id)).find((c) => c);
  return at && { x: width / 2 - at.x * NEAR, y: height / 2 - at.y * NEAR, zoom: NEAR };
}

/** All of it, or where that is too much to read at once rather what was asked for, near enough to read. */
function viewAtFirst(drawn: Elements, ids: string[], size: Size): Viewport {
  const all = viewOfAll(drawn, size);
  return all.zoom >= READABLE ? all : (viewNear(drawn, ids, size) ?? all);
}

function Drawing({ drawn, frame, selected, onSelect, picture, children, pane: first }: Props & { pane: Size }) {
  const flow = useReactFlow<Drawn, FlowEdge>();
  const pane = useStoreApi();
  const distance = useStore(({ transform: [, , zoom] }) =>
    zoom < READABLE ? 'far farther' : zoom < 0.5 ? 'far distant' : zoom < 0.62 ? 'far' : '',
  );
  const root = drawn.nodes.find((n) => n.type === 'card' && n.data.root)?.id ?? drawn.nodes[0]?.id ?? '';
  const [focused, setFocused] = useState(root);
  const [opened] = useState(() => {
    const { x, y, zoom } = viewAtFirst(drawn, [root], first);
    // Nobody listens yet: so what is drawn first is what is in sight, and not what would be without a view. Sizes of
    // cards and where flows touch them are given, and nothing is measured.
    pane.setState({ transform: [x, y, zoom], updateNodeInternals: () => {} });
    return { x, y, zoom };
  });
  const wanted = useRef<string | null>(null);
  /** What stays where it is while the picture changes: what somebody did it to first. */
  const still = useRef<string[]>([]);
  const anchors = () => [...still.current, selected, focused, root, ...drawn.nodes.map((n) => n.id)];

  const showAll = () => flow.setViewport(viewOfAll(drawn, pane.getState()));
  const goNear = () => {
    const near = viewNear(drawn, [focused, root], pane.getState());
    if (near) flow.setViewport(near);
  };

  /** Moves the view no further than needed: what someone looks at should not jump. */
  const intoSight = (at: { x: number; y: number }) => {
    const pane = document.querySelector('.lineage-view .react-flow')?.getBoundingClientRect();
    const on = flow.flowToScreenPosition(at);
    if (!pane) return;
    const dx = into(on.x, pane.left + MARGIN, pane.right - MARGIN);
    const dy = into(on.y, pane.top + MARGIN, pane.bottom - MARGIN);
    const { x, y, zoom } = flow.getViewport();
    if (dx !== 0 || dy !== 0) flow.setViewport({ x: x + dx, y: y + dy, zoom }, { duration: calm() ? 0 : 250 });
  };

  // In the same frame another picture may come: what is done to it, or who looks at it, stays where it is on screen.
  const before = useRef({ drawn, frame });
  // biome-ignore lint/correctness/useExhaustiveDependencies: by picture
  useEffect(() => {
    const last = before.current;
    before.current = { drawn, frame };
    if (last.drawn === drawn || last.frame !== frame) return;
    const by = moved(last.drawn, drawn, anchors());
    if (!by || (by.x === 0 && by.y === 0)) return;
    const { x, y, zoom } = flow.getViewport();
    flow.setViewport({ x: x - by.x * zoom, y: y - by.y * zoom, zoom });
  }, [drawn, frame]);
  const ghosts = useGhosts(drawn, (was) => moved(was, drawn, anchors()));

  const fitted = useRef(frame);
  // biome-ignore lint/correctness/useExhaustiveDependencies: fitted by frame, not on each answer
  useEffect(() => {
    if (fitted.current !== frame) flow.setViewport(viewAtFirst(drawn, [focused, root], pane.getState()));
    fitted.current = frame;
  }, [flow, frame]);

  // The side panel may open over what was chosen: bring it back into sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: moved by a choice, not by each answer
  useEffect(() => {
    const at = selected && centre(drawn, selected);
    if (!at) return;
    const handle = requestAnimationFrame(() => intoSight(at));
    return () => cancelAnimationFrame(handle);
  }, [flow, selected]);

  const nodes = useMemo(() => withSelected(drawn.nodes, selected), [drawn, selected]);
  const edges = useMemo(() => withSelected(drawn.edges, selected), [drawn, selected]);

  const stackOf = (id: string) =>
    drawn.nodes.flatMap((n) => (n.id === id && n.type === 'stack' ? [n.data.stack] : []))[0];
  const act: Picture = {
    unfold: (id) => {
      const stack = stackOf(id);
      still.current = stack ? [stack.anchor] : [];
      picture.unfold(id);
      focusNext(stack?.memberIds[0]);
    },
    fold: (id) => {
      const stack = drawn.nodes
        .flatMap((n) => (n.type === 'card' ? n.data.unfoldedHere : []))
        .find((s) => s.node === id);
      still.current = stack ? [stack.anchor] : [];
      picture.fold(id);
      focusNext(id);
    },
    open: (side, id) => {
      still.current = [id];
      picture.open(side, id);
    },
    collapse: (id) => {
      still.current = [id];
      picture.collapse(id);
    },
    hide: (id) => {
      const next = drawn.edges.find((e) => e.target === id)?.source ?? drawn.edges.find((e) => e.source === id)?.target;
      still.current = next ? [next] : [];
      picture.hide(id);
      focusNext(next);
    },
  };
  /** The focus goes on to what takes the place of what had it, once the answer is there; the view follows where it must. */
  const focusNext = (id: string | undefined) => {
    if (!id) return;
    wanted.current = id;
    let drawnFor = 0;
    const look = (frames: number) =>
      requestAnimationFrame(() => {
        if (wanted.current !== id || focusElement(id) || frames === 0) return;
        const at = centre(before.current.drawn, id);
        if (at && ++drawnFor === 60) intoSight(at);
        look(frames - 1);
      });
    look(400);
  };
  /** A stack, or a flow of one, has no panel: it is unfolded. */
  const choose = (id: string) => {
    const stack = id.split('->').find(stackOf);
    if (stack) act.unfold(stack);
    else onSelect(id);
  };
  const here = () => (document.activeElement as HTMLElement | null)?.dataset?.graphId ?? selected;
  const node = (): Drawn | undefined => drawn.nodes.find((n) => n.id === here());
  useShortcuts({
    e: () => {
      const n = node();
      if (n?.type === 'stack') act.unfold(n.id);
      if (n?.type !== 'card') return;
      // What was taken away comes back first.
      for (const side of n.data.taken) act.open(side, n.id);
      if (n.data.taken.length > 0) return;
      if (n.data.hiddenUp > 0 && !n.data.openUp) act.open('up', n.id);
      if (n.data.hiddenDown > 0 && !n.data.openDown) act.open('down', n.id);
    },
    c: () => {
      const n = node();
      if (n?.type !== 'card') return;
      const stack = n.data.unfolded ?? n.data.unfoldedHere[0]?.node;
      if (stack) act.fold(stack);
      else act.collapse(n.id);
    },
    x: () => {
      const n = node();
      if (n) act.hide(n.id);
    },
  });

  const moveTo = (id: string) => {
    setFocused(id);
    wanted.current = id;
    const at = centre(drawn, id);
    if (at && !focusElement(id)) flow.setCenter(at.x, at.y, { zoom: flow.getZoom() });
    focusWhenDrawn(id, () => wanted.current === id);
  };
  const onKeyDown = (e: React.KeyboardEvent) => {
    const inside = e.target !== e.currentTarget;
    if (e.key.startsWith('Arrow')) {
      e.preventDefault();
      const at = inside ? focused : null;
      const next = at ? step(drawn, at, e.key as Arrow) : focused || root;
      if (next) moveTo(next);
    } else if (e.key === 'Home') {
      e.preventDefault();
      moveTo(root);
    } else if (e.key === 'Enter' && !inside) {
      e.preventDefault();
      moveTo(focused || root);
    }
  };

  return (
    <Focused value={{ setFocused, onSelect: choose, picture: act }}>
      <LabelLayer few={distance !== '' && drawn.edges.length > MANY} focused={focused}>
        <ReactFlow<Drawn, FlowEdge>
          nodes={nodes}
          edges={edges}
          nodeTypes={nodeTypes}
          edgeTypes={edgeTypes}
          className={distance}
          onNodeClick={(_e, n) => choose(n.id)}
          onEdgeClick={(_e, x) => choose(x.id)}
          onKeyDown={onKeyDown}
          tabIndex={0}
          aria-label={`Lineage graph: ${plural(drawn.nodes.length, 'node')}, ${plural(drawn.edges.length, 'flow')}. Arrow keys move along the flows, Enter opens, e expands, c collapses, t shows the same as a table.`}
          onlyRenderVisibleElements
          nodesDraggable={false}
          nodesConnectable={false}
          nodesFocusable={false}
          edgesFocusable={false}
          elementsSelectable={false}
          disableKeyboardA11y
          deleteKeyCode={null}
          selectionKeyCode={null}
          multiSelectionKeyCode={null}
          defaultViewport={opened}
          minZoom={MIN_ZOOM}
          maxZoom={2}
        >
          <Markers />
          <ViewportPortal>
            {ghosts.map((g) => (
              <div
                key={g.id}
                className="ghost"
                aria-hidden="true"
                style={{ transform: `translate(${g.at.x}px, ${g.at.y}px)` }}
              />
            ))}
          </ViewportPortal>
          <Background variant={BackgroundVariant.Dots} gap={24} size={1} />
          <Controls showInteractive={false} showFitView={false}>
            <ControlButton onClick={showAll} title="Fit the view" aria-label="Fit the view">
              <svg viewBox="0 0 16 16" aria-hidden="true">
                <path d="M1 6V1h5v2H3v3zM10 1h5v5h-2V3h-3zM15 10v5h-5v-2h3v-3zM6 15H1v-5h2v3h3z" />
              </svg>
            </ControlButton>
          </Controls>
          {drawn.nodes.length >= MAP_FROM && <SmallMap drawn={drawn} />}
          {distance.includes('farther') && <CaptionLayer drawn={drawn} near={READABLE * 1.1} />}
        </ReactFlow>
      </LabelLayer>
      <div className="picture-notes">
        {children}
        {distance.includes('farther') && (
          <button type="button" onClick={goNear}>
            Too far to read: go near
          </button>
        )}
      </div>
    </Focused>
  );
}

/** The same elements, but for the one that is selected: what is as it was is not drawn again. */
function withSelected<T extends { id: string }>(all: T[], selected: string | null): T[] {
  return selected === null ? all : all.map((x) => (x.id === selected ? { ...x, selected: true } : x));
}

function centre({ nodes, edges }: Elements, id: string): { x: number; y: number } | undefined {
  const node = nodes.find((n) => n.id === id);
  if (node) return { x: node.position.x + CARD_WIDTH / 2, y: node.position.y + CARD_HEIGHT / 2 };
  return edges.find((e) => e.id === id)?.data?.at;
}

/** Focuses what stands for the id, if it is drawn and in sight. */
function focusElement(id: string): boolean {
  const el = document.querySelector<HTMLElement>(`.lineage-view [data-graph-id="${CSS.escape(id)}"]`);
  if (!el) return false;
  const pane = el.closest('.react-flow')?.getBoundingClientRect();
  const box = el.getBoundingClientRect();
  if (pane && (box.left < pane.left || box.right > pane.right || box.top < pane.top || box.bottom > pane.bottom))
    return false;
  el.focus({ preventScroll: true });
  return true;
}

/** What is out of sight is not in the document: it comes some frames after the view has moved. */
function focusWhenDrawn(id: string, still: () => boolean, frames = 30): void {
  requestAnimationFrame(() => {
    if (!still() || focusElement(id) || frames === 0) return;
    focusWhenDrawn(id, still, frames - 1);
  });
}
