import type { NodeKind } from '../gql/graphql';

// Drawn here rather than taken from a library: some fourteen shapes are all that is needed. Each kind has a shape of its
// own, so that colour is never the only sign.
const KIND: Record<NodeKind, string> = {
  TOPIC: 'M2.5 4.5h11M2.5 8h11M2.5 11.5h7',
  APPLICATION: 'M3 3.5h10v9H3zM3 6.3h10M5 4.9h.01M6.8 4.9h.01',
  UNIDENTIFIED: 'M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.4M8 11.6v.01M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8z',
  CONNECTOR: 'M5.5 2v3.5M10.5 2v3.5M4 5.5h8v2.2a4 4 0 0 1-8 0zM8 11.7V14',
  REPLICATOR: 'M2.5 5.5h9M9 3l2.5 2.5L9 8M13.5 10.5h-9M7 8l-2.5 2.5L7 13',
  STREAM_JOB: 'M2 8c2-4 4-4 6 0s4 4 6 0M2 12c2-4 4-4 6 0s4 4 6 0',
  JOB: 'M3 3h10v10H3zM5.5 6.5h5M5.5 9.5h3M10.5 9.5l1 1 1.5-2',
  DATASET:
    'M3 4c0-1.1 2.2-2 5-2s5 .9 5 2-2.2 2-5 2-5-.9-5-2zM3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2',
  GROUP: 'M2 4h6v4H2zM8 8h6v4H8zM4.5 8v2.5H8M11.5 8V5.5H8',
};

const OTHER = {
  search: 'M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3 14 14',
  close: 'M4 4l8 8M12 4l-8 8',
  sun: 'M8 5a3 3 0 1 1 0 6 3 3 0 0 1 0-6zM8 1.5v1M8 13.5v1M1.5 8h1M13.5 8h1M3.4 3.4l.7.7M11.9 11.9l.7.7M3.4 12.6l.7-.7M11.9 4.1l.7-.7',
  moon: 'M13 9.7A5.5 5.5 0 0 1 6.3 3 5.5 5.5 0 1 0 13 9.7z',
  system: 'M2 3h12v8H2zM6 13.5h4',
  play: 'M4 2.5 13 8l-9 5.5z',
  pause: 'M5 3v10M11 3v10',
  arrow: 'M3 8h10M9 4l4 4-4 4',
  warn: 'M8 2 14.5 13.5h-13zM8 6.5v3M8 11.5v.01',
  ok: 'M3 8.5l3.2 3.2L13 5',
  refresh: 'M13 8a5 5 0 1 1-1.5-3.6M13 2v3h-3',
  graph: 'M2 3h4v3H2zM10 2h4v3h-4zM10 11h4v3h-4zM6 4.5h4M6 5c2 1 1 7 4 7.5',
  table: 'M2 3h12v10H2zM2 6.3h12M2 9.6h12M6.5 3v10',
  clock: 'M8 1.8a6.2 6.2 0 1 1 0 12.4A6.2 6.2 0 0 1 8 1.8zM8 4.5V8l2.5 1.5',
  owner: 'M8 2.5a2.6 2.6 0 1 1 0 5.2 2.6 2.6 0 0 1 0-5.2zM3 13.5c.4-2.6 2.3-4 5-4s4.6 1.4 5 4',
  filter: 'M2 4h12M4 8h8M6.5 12h3',
  list: 'M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.01M2.5 8h.01M2.5 12h.01',
} as const;

function Svg({ d, className }: { d: string; className?: string }) {
  return (
    <svg className={`icon ${className ?? ''}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={d} />
    </svg>
  );
}

export function KindIcon({ kind }: { kind: NodeKind }) {
  return <Svg d={KIND[kind]} className={`kind kind-${kind.toLowerCase()}`} />;
}

export function Icon({ name }: { name: keyof typeof OTHER }) {
  return <Svg d={OTHER[name]} />;
}
