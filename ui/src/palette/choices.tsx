import type { ReactNode } from 'react';
import type { Merged } from '../data/merged';
import type { FindEndsQuery, FindNodesQuery } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Words } from '../shell/instant';
import { Name } from '../shell/name';
import { withWindow } from '../time/page-bar';
import { catalogHref } from '../url/catalog';
import { initialLineage, type LineageState, lineageHref, parseLineage } from '../url/lineage';
import { reportsHref } from '../url/reports';
import { parseWindow, type WindowChoice, whenIn } from '../url/window';
import { count } from '../words/format';
import { plain, type Said } from '../words/said';
import { type Behind, deserted, kindOf, nodeName, placeOf } from '../words/words';
import type { Meant } from './words';

/** What can be chosen: a place to go to, or words to go on with. */
export interface Choice {
  key: string;
  icon: ReactNode;
  label: ReactNode;
  /** All of the label, where it is cut. */
  title: string;
  note: ReactNode;
  alarm?: ReactNode;
  to: { href: string } | { type: string };
}

/** Where somebody is, whose window and view are kept. */
export interface Here {
  path: string;
  search: string;
}

const PAGES = ['/', '/catalog', '/lineage'];
const windowHere = (here: Here): WindowChoice => parseWindow(new URLSearchParams(here.search));

/** A lineage in the window in which somebody is, and drawn as he had it drawn. */
function lineageOf(here: Here, change: Partial<LineageState>): string {
  const { depth, internal, inactive, unit, view } =
    here.path === '/lineage' ? parseLineage(here.search) : initialLineage;
  const window = windowHere(here);
  return lineageHref({ depth, internal, inactive, unit, view, window, live: window.kind === 'last', ...change });
}

/** The page in which somebody is, of another window. */
export function inWindow(here: Here, w: WindowChoice): string {
  return `${PAGES.includes(here.path) ? here.path : '/'}${withWindow(here.search, w, null)}`;
}

export function windowChoice(here: Here, w: WindowChoice): Choice {
  const said: Said =
    w.kind === 'last'
      ? [`The last ${w.last}`]
      : w.kind === 'at'
        ? ['The instant ', { at: w.at }]
        : ['From ', { at: w.start }, ' to ', { at: w.end }];
  return {
    key: 'window',
    icon: <Icon name="clock" />,
    label: <Words said={said} />,
    title: plain(said),
    note: 'window',
    to: { href: inWindow(here, w) },
  };
}

/** What one can ask, before anything is typed. */
export function beginnings(here: Here): Choice[] {
  const window = windowHere(here);
  const page = (label: string, note: string, href: string): Choice => ({
    key: label,
    icon: <Icon name="arrow" />,
    label,
    title: label,
    note,
    to: { href },
  });
  const words = (type: string, note: string): Choice => ({
    key: type,
    icon: <Icon name="search" />,
    label: `${type.trim()} …`,
    title: type,
    note,
    to: { type },
  });
  return [
    words('readers of ', 'who reads a topic'),
    words('writers of ', 'who writes it'),
    words('path ', 'path A to B: how data gets there'),
    words('owner ', 'what a team owns'),
    words('tag ', 'what has a tag'),
    words('last ', 'last 4h, yesterday 14:00, 2026-11-22T20:00:00Z: another window'),
    page('Catalog', 'all nodes', catalogHref({ window })),
    page('Reports', 'who used what, of a tag or an owner', reportsHref({ window })),
    page('Lineage', 'everything that moved', lineageHref({ window, live: window.kind === 'last' })),
    page('Overview', '', '/'),
  ];
}

/** What a node is, and where. */
const place = (n: Parameters<typeof kindOf>[0] & Parameters<typeof placeOf>[0]): ReactNode => (
  <>
    {kindOf(n)}
    {placeOf(n) && (
      <>
        , <bdi>{placeOf(n)}</bdi>
      </>
    )}
  </>
);

/** Nodes that were found, whom they belong to, and the way to all of them. */
export function found(here: Here, asked: Exclude<Meant, { what: 'path' }>, data: FindNodesQuery): Choice[] {
  const window = windowHere(here);
  const nodes = (data.nodes?.edges ?? []).map((e) => e.node as Merged<typeof e.node>);
  const described = (data.described?.edges ?? []).map((e) => e.node);
  if (asked.what === 'readers' || asked.what === 'writers') {
    const [word, direction] =
      asked.what === 'readers' ? ['Readers', 'DOWNSTREAM' as const] : ['Writers', 'UPSTREAM' as const];
    return nodes.map((n) => ({
      key: n.id,
      icon: <KindIcon kind={n.kind} />,
      label: (
        <>
          {word} of <Name node={n} />
        </>
      ),
      title: `${word} of ${nodeName(n)}`,
      note: <bdi>{placeOf(n)}</bdi>,
      to: { href: lineageOf(here, { roots: [n.id], direction, depth: 1, view: 'table' }) },
    }));
  }
  const owners =
    asked.what === 'tag'
      ? []
      : matching(
          asked.text,
          described.map((n) => n.owner ?? ''),
        );
  const tags =
    asked.what === 'owner'
      ? []
      : matching(
          asked.text,
          described.flatMap((n) => n.tags),
        );
  const choices: Choice[] = asked.what === 'nodes' ? nodes.map((n) => nodeChoice(here, n)) : [];
  for (const owner of owners) choices.push(filterChoice('owner', owner, catalogHref({ owner, window })));
  for (const tag of tags) choices.push(filterChoice('tag', tag, catalogHref({ tag, window })));
  for (const [scope, all] of [
    ['owner', owners],
    ['tag', tags],
  ] as const) {
    for (const of of all) {
      if (asked.what === scope || of.toLowerCase() === asked.text.toLowerCase())
        choices.push(usedChoice(scope, of, window));
    }
  }
  const total = data.nodes?.totalCount ?? 0;
  if (asked.what === 'nodes' && total > 0) {
    choices.push({
      key: 'all',
      icon: <Icon name="table" />,
      label: `All ${count(total)} in the catalog`,
      title: `All ${count(total)} in the catalog`,
      note: 'names, owners, tags',
      to: { href: catalogHref({ text: asked.text, window }) },
    });
  }
  return choices;
}

function nodeChoice(here: Here, n: Merged<NonNullable<FindNodesQuery['nodes']>['edges'][number]['node']>): Choice {
  return {
    key: n.id,
    icon: <KindIcon kind={n.kind} />,
    label: <Name node={n} />,
    title: nodeName(n),
    note: place(n),
    alarm: alarmOf(n, whenIn(windowHere(here))),
    to: { href: lineageOf(here, { roots: [n.id] }) },
  };
}

function alarmOf(n: { groups?: readonly Behind[] }, when: (iso: string) => string): ReactNode {
  const said = deserted(n.groups ?? []);
  return said && <Words said={said} when={when} />;
}

function filterChoice(what: 'owner' | 'tag', value: string, href: string): Choice {
  return {
    key: `${what} ${value}`,
    icon: <Icon name={what === 'owner' ? 'owner' : 'filter'} />,
    label: <bdi>{value}</bdi>,
    title: value,
    note: `${what}: all in the catalog`,
    to: { href },
  };
}

function usedChoice(scope: 'owner' | 'tag', of: string, window: WindowChoice): Choice {
  return {
    key: `used ${scope} ${of}`,
    icon: <Icon name="list" />,
    label: (
      <>
        Who used <bdi>{of}</bdi>
      </>
    ),
    title: `Who used ${of}`,
    note: `report of the ${scope}`,
    to: { href: reportsHref({ report: 'usage', scope, of, window }) },
  };
}

/** How many owners, and how many tags, are offered at most. */
const DESCRIBED = 4;

function matching(text: string, all: readonly string[]): string[] {
  const lower = text.toLowerCase();
  return [...new Set(all)].filter((s) => s !== '' && s.toLowerCase().includes(lower)).slice(0, DESCRIBED);
}

/** Ways from one of the nodes that fit to another. */
export function ways(here: Here, data: FindEndsQuery): Choice[] {
  const ends = (side: FindEndsQuery['from']) => side?.edges.map((e) => e.node) ?? [];
  return (
    ends(data.from)
      .flatMap((a) => ends(data.to).map((b) => [a, b] as const))
      .filter(([a, b]) => a.id !== b.id)
      // What is in one place is likelier to be meant.
      .sort(([a, b], [c, d]) => Number(placeOf(c) === placeOf(d)) - Number(placeOf(a) === placeOf(b)))
      .map(([a, b]) => ({
        key: `${a.id} ${b.id}`,
        icon: <Icon name="arrow" />,
        label: (
          <>
            <Name node={a} /> to <Name node={b} />
          </>
        ),
        title: `${nodeName(a)} to ${nodeName(b)}`,
        note: (
          <>
            path, <bdi>{[...new Set([placeOf(a), placeOf(b)])].filter(Boolean).join(' to ')}</bdi>
          </>
        ),
        to: { href: lineageOf(here, { roots: [a.id], path: b.id, view: 'graph' }) },
      }))
  );
}
