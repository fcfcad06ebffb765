import { memo } from 'react';
import { mean } from '../chart/gaps';
import { Sparkline } from '../chart/sparkline';
import { KindIcon } from '../shell/icons';
import { Words } from '../shell/instant';
import { Link } from '../shell/link';
import { Name } from '../shell/name';
import { NodeRate } from '../shell/node-rate';
import type { CatalogState } from '../url/catalog';
import { lineageHref } from '../url/lineage';
import { usagePage } from '../url/usage';
import { whenIn } from '../url/window';
import { plain } from '../words/said';
import { deserted, halted, kindOf, nodeName, placeOf } from '../words/words';
import { Lag, LastMoved, type Narrow, Owners, States } from './cells';
import type { CatalogRow } from './paging';

interface Props {
  /** Its place in the list; undefined: it is being fetched. */
  index: number;
  node: CatalogRow | undefined;
  state: CatalogState;
  narrow: Narrow;
  /** Whether Tab stops at it: at one row of all. */
  current: boolean;
}

const stop = (current: boolean): 0 | -1 => (current ? 0 : -1);

function NameLink({ node, state, current }: Props & { node: CatalogRow }) {
  return (
    <Link
      href={lineageHref({ roots: [node.id], window: state.window, live: state.window.kind === 'last' })}
      className="node-link"
      title={nodeName(node)}
      tabIndex={stop(current)}
    >
      <KindIcon kind={node.kind} />
      <span className="cut">
        <Name node={node} />
      </span>
    </Link>
  );
}

/** What must not be overlooked of its readers. */
function Alarm({ node, state }: Props & { node: CatalogRow }) {
  const alone = deserted(node.groups ?? []);
  if (!alone) return null;
  const when = whenIn(state.window);
  return (
    <span className="alarm cut" title={plain(alone, when)}>
      <Words said={alone} when={when} />
    </span>
  );
}

/** Whether a node is said to bear a tag, in any case of its letters as the server compares them. */
const bears = (node: CatalogRow, tag: string): boolean => node.tags.some((t) => t.toLowerCase() === tag.toLowerCase());

function Signs({ node, state, current }: Props & { node: CatalogRow }) {
  const still = halted(node);
  return (
    <>
      {node.exists === false && <span className="tag">deleted</span>}
      {node.internal && <span className="tag">internal</span>}
      {state.derived && state.tag && !bears(node, state.tag) && (
        <span className="tag derived-tag" title="It does not bear the tag, which comes to it along flows">
          {state.tag} derived
        </span>
      )}
      {still && <span className="tag">{still}</span>}
      {node.kind === 'TOPIC' && (
        <Link
          className="row-usage"
          href={usagePage(node.id, state.window)}
          title="Who wrote and who read it in this window"
          tabIndex={stop(current)}
        >
          usage<span className="sr"> of {node.name}</span>
        </Link>
      )}
    </>
  );
}

/** What runs through a topic is what is written to it; of others, whatever they move. */
function line(node: CatalogRow) {
  const rateIn = mean(node.rateIn?.points);
  if (node.kind === 'APPLICATION' && rateIn) return node.rateIn;
  return rateIn === null || rateIn === 0 ? node.rateOut : node.rateIn;
}

/** A node as a row of the table. Drawn anew only when it is another: one scrolls past hundreds. */
export const TableRow = memo(function TableRow(p: Props) {
  const { index, node, state } = p;
  if (!node) {
    return (
      <tr aria-rowindex={index + 2} className="coming">
        <th scope="row">loading</th>
        <td colSpan={9} />
      </tr>
    );
  }
  return (
    <tr aria-rowindex={index + 2} data-row={index}>
      <th scope="row">
        <span className="one-line">
          <NameLink {...p} node={node} />
          <Signs {...p} node={node} />
        </span>
        <Alarm {...p} node={node} />
      </th>
      <td className="cut" title={kindOf(node)}>
        {node.kind === 'UNIDENTIFIED' ? 'Unidentified' : kindOf(node)}
      </td>
      <td className="cut" title={placeOf(node)}>
        <bdi>{placeOf(node)}</bdi>
      </td>
      <td>
        <Owners node={node} narrow={p.narrow} tabIndex={stop(p.current)} />
      </td>
      <td className="num">
        <NodeRate node={node} side="in" unit="records" />
      </td>
      <td className="num">
        <NodeRate node={node} side="out" unit="records" />
      </td>
      <td>
        <Sparkline points={line(node)?.points ?? []} />
      </td>
      <td className="num">
        <Lag node={node} />
      </td>
      <td className="cut">
        <States counts={node.flowStates} wanted={state.states} />
      </td>
      <td className="cut">
        <LastMoved at={node.lastMoved} ends={state.window.kind === 'last'} />
      </td>
    </tr>
  );
});

/** A node as a card, where there is no room for columns. */
export const Card = memo(function Card(p: Props & { total: number }) {
  const { index, node, state } = p;
  if (!node) {
    return (
      <li className="catalog-card coming" aria-setsize={p.total} aria-posinset={index + 1}>
        loading
      </li>
    );
  }
  return (
    <li className="catalog-card" aria-setsize={p.total} aria-posinset={index + 1} data-row={index}>
      <span className="one-line">
        <NameLink {...p} node={node} />
        <Signs {...p} node={node} />
      </span>
      <span className="one-line note">
        <span className="cut">
          {kindOf(node)}
          {placeOf(node) && (
            <>
              , <bdi>{placeOf(node)}</bdi>
            </>
          )}
        </span>
        <Owners node={node} narrow={p.narrow} tabIndex={stop(p.current)} />
      </span>
      <span className="one-line">
        <States counts={node.flowStates} wanted={state.states} />
        <span>
          <span className="note">lag</span> <Lag node={node} />
        </span>
        <span>
          <span className="note">in</span> <NodeRate node={node} side="in" unit="records" />
        </span>
        <span>
          <span className="note">out</span> <NodeRate node={node} side="out" unit="records" />
        </span>
      </span>
      <span className="one-line note">
        <span>
          last moved <LastMoved at={node.lastMoved} ends={state.window.kind === 'last'} />
        </span>
        <Alarm {...p} node={node} />
      </span>
    </li>
  );
});
