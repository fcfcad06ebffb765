import { useLayoutEffect, useMemo, useRef, useState } from 'react';
import { useQuery } from 'urql';
import type { Merged } from '../data/merged';
import { usePolling } from '../data/poll';
import { GroupedMapDocument, type GroupedMapQuery } from '../gql/graphql';
import { CARD_HEIGHT, CARD_WIDTH, type Curve, curveBetween, pointAt } from '../lineage/geometry';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { type EstateState, GROUPS, type Grouping, groupBy } from '../url/estate';
import { lineageHref } from '../url/lineage';
import { type WindowChoice, windowInput } from '../url/window';
import { count, percent, rate } from '../words/format';
import { about, plural } from '../words/words';
import { useLinkedTo } from './linked-to';

type Flows = NonNullable<GroupedMapQuery['flows']>;
type Group = Merged<Flows['nodes'][number]>;
type Edge = Flows['flows'][number];

const POLL_SECONDS = 30;
const WORD: Record<Grouping, string> = {
  owner: 'Owner',
  prefix: 'Prefix of the name',
  cluster: 'Cluster',
  product: 'Data product',
};
/** Of the server's places: a map is read from further away than a lineage. */
const SCALE = 0.52;
const MARGIN = 24;
/** Where along a curve it is looked how far it swings. */
const AT = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];
/** More rates than these would stand on each other. */
const RATES = 12;

/** It shrinks to what there is room for, and no further: what is smaller is not read, and it is scrolled instead. */
const LEAST = 0.75;

interface Props {
  state: EstateState;
  change(patch: Partial<EstateState>): void;
}

/** All flows of the window between groups; a group leads to the lineage of its members. */
export function GroupedMap({ state, change }: Props) {
  const [{ data, error }, again] = useQuery({
    query: GroupedMapDocument,
    variables: { window: windowInput(state.window), groupBy: groupBy(state.by) },
  });
  usePolling(again, state.window.kind === 'last' ? POLL_SECONDS : null);
  const found = data?.flows;
  const products = (data?.dataProducts?.totalCount ?? 0) > 0;
  const at = useLinkedTo('#map');
  return (
    <section className="card" id="map" ref={at} aria-labelledby="map-title">
      <div className="card-head">
        <h2 id="map-title">Map of all flows</h2>
        <fieldset className="segments">
          <legend className="sr">Group by</legend>
          {GROUPS.filter((g) => g !== 'product' || products || state.by === g).map((g) => (
            <button key={g} type="button" aria-pressed={state.by === g} onClick={() => change({ by: g })}>
              {WORD[g]}
            </button>
          ))}
        </fieldset>
        {found && (
          <span className="note grow-end">
            {plural(found.nodes.length, 'group')}
            {found.truncated && ` of ${found.totalNodes}, the most important ones`}
          </span>
        )}
      </div>
      <Problem error={error} again={again} />
      {found && found.nodes.length === 0 && (
        <p className={`empty-line ${found.coverage.observedFraction === 0 ? 'not-observed-line' : 'note'}`}>
          {found.coverage.observedFraction === 0
            ? 'Nothing was observed: what moved is not known.'
            : found.coverage.complete
              ? 'Nothing moved.'
              : `Nothing moved in the ${percent(found.coverage.observedFraction)} that was observed.`}
        </p>
      )}
      {found && found.nodes.length > 0 && <Drawn found={found} window={state.window} />}
    </section>
  );
}

function Drawn({ found, window }: { found: Flows; window: WindowChoice }) {
  const { places, lines, box } = useMemo(() => draw(found), [found]);
  const most = Math.max(...found.flows.map((f) => f.recordsPerSecond ?? 0), 1e-9);
  const [around, room] = useRoom();
  const zoom = room === 0 ? 1 : Math.min(1, Math.max(LEAST, room / box.width));
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
    <section className="map" ref={around} tabIndex={0} aria-label="Map of all flows, drawn">
      <div className="map-area" style={{ width: box.width, height: box.height, zoom }}>
        <svg width={box.width} height={box.height} aria-hidden="true">
          <g
            className={lines.length > RATES ? 'crowded' : undefined}
            transform={`translate(${-box.x} ${-box.y}) scale(${SCALE})`}
          >
            {lines.map(({ flow, curve }) => (
              <Line key={flow.id} flow={flow} curve={curve} share={(flow.recordsPerSecond ?? 0) / most} />
            ))}
          </g>
        </svg>
        {found.nodes.map((n) => {
          const at = places.get(n.id);
          return at && <Card key={n.id} group={n} x={at.x * SCALE - box.x} y={at.y * SCALE - box.y} window={window} />;
        })}
      </div>
      <ul className="sr">
        {found.flows.map((f) => (
          <li key={f.id}>
            {nameOf(found, f.from.id)} to {nameOf(found, f.to.id)}: {rateOf(f)}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** How wide the inside of an element is; 0: not known yet. */
function useRoom() {
  const ref = useRef<HTMLElement>(null);
  const [room, setRoom] = useState(0);
  useLayoutEffect(() => {
    const at = ref.current;
    if (!at) return;
    const padding = Number.parseFloat(getComputedStyle(at).paddingInline) * 2 || 0;
    const look = () => setRoom(at.clientWidth - padding);
    look();
    const sized = new ResizeObserver(look);
    sized.observe(at);
    return () => sized.disconnect();
  }, []);
  return [ref, room] as const;
}

const nameOf = (found: Flows, id: string): string => {
  const n = found.nodes.find((x) => x.id === id);
  return n ? `${kindWord(n)} of ${n.name}` : id;
};

const rateOf = (f: Edge): string =>
  f.recordsPerSecond == null ? 'not measurable' : about(f) + rate(f.recordsPerSecond, 'records');

function draw(found: Flows) {
  const places = new Map(found.positions.map((p) => [p.node, { x: p.x, y: p.y }]));
  const cards = [...places.values()];
  const lines = found.flows.flatMap((flow) => {
    const [from, to] = [places.get(flow.from.id), places.get(flow.to.id)];
    return from && to ? [{ flow, curve: curveBetween(from, to, cards) }] : [];
  });
  const points = [
    ...cards.flatMap((c) => [c, { x: c.x + CARD_WIDTH, y: c.y + CARD_HEIGHT }]),
    ...lines.flatMap((l) => AT.map((t) => pointAt(l.curve, t))),
  ];
  const [xs, ys] = [points.map((p) => p.x * SCALE), points.map((p) => p.y * SCALE)];
  const x = Math.min(...xs) - MARGIN / 2;
  const y = Math.min(...ys) - MARGIN / 2;
  return {
    places,
    lines,
    box: { x, y, width: Math.max(...xs) - x + MARGIN / 2, height: Math.max(...ys) - y + MARGIN / 2 },
  };
}

function Line({ flow, curve: [a, b, c, d], share }: { flow: Edge; curve: Curve; share: number }) {
  const mid = { x: (a.x + 3 * b.x + 3 * c.x + d.x) / 8, y: (a.y + 3 * b.y + 3 * c.y + d.y) / 8 };
  return (
    <g className="map-line">
      <title>{rateOf(flow)}</title>
      <path d={`M${a.x},${a.y}C${b.x},${b.y} ${c.x},${c.y} ${d.x},${d.y}`} strokeWidth={1.5 + 6 * Math.sqrt(share)} />
      <text x={mid.x} y={mid.y - 6}>
        {rateOf(flow)}
      </text>
    </g>
  );
}

/** Groups are of one sort each: the id says which. */
const kindWord = (n: Group): string => {
  const sort = /^group:[a-z]+-([a-z]+)\//.exec(n.id)?.[1] ?? 'nodes';
  return sort.charAt(0).toUpperCase() + sort.slice(1);
};

const SORT_CLASS: Record<string, string> = {
  Topics: 'kind-topic',
  Programs: 'kind-application',
  Datasets: 'kind-dataset',
  Replicators: 'kind-replicator',
};

function Card({ group: n, x, y, window }: { group: Group; x: number; y: number; window: WindowChoice }) {
  const sort = kindWord(n);
  const members = n.members ?? 0;
  const roots = n.memberIds ?? [];
  const cut = members > roots.length ? `, of which the lineage begins at the first ${roots.length}` : '';
  return (
    <Link
      href={lineageHref({ roots, depth: 1, window, live: window.kind === 'last' })}
      className="map-card"
      title={`${n.name}: ${count(members)} ${sort.toLowerCase()}${cut}`}
      style={{ left: x, top: y, width: CARD_WIDTH * SCALE, height: CARD_HEIGHT * SCALE }}
    >
      <span className={`map-sort ${SORT_CLASS[sort] ?? ''}`}>
        <Icon name={sort === 'Topics' ? 'list' : sort === 'Datasets' ? 'table' : 'graph'} />
        {count(members)} {members === 1 ? sort.toLowerCase().replace(/s$/, '') : sort.toLowerCase()}
      </span>
      <bdi className="cut">{n.name}</bdi>
    </Link>
  );
}
