import type { NodeProps } from '@xyflow/react';
import { useState } from 'react';
import { KindIcon } from '../shell/icons';
import { StateSign } from '../shell/state-sign';
import { compact, rate } from '../words/format';
import { GOING_WORD, type Going, isSick } from '../words/going';
import {
  ACTIVITY_WORD,
  type Activity,
  boundSign,
  halted,
  kindOf,
  LAG_UNKNOWN,
  NOBODY,
  nameParts,
  placesOf,
  UNMEASURED,
} from '../words/words';
import type { CardNode } from './elements';
import { useFocused } from './focused';
import { LitStep, useLit } from './lit-context';
import { stackName } from './stacks';

// Of a card, beside the icon and what is around the words: 24 of its 240 px are padding, 40 those, 6.5 a character.
const ROOM = 26;

export function Card({ id, data, selected }: NodeProps<CardNode>) {
  const { setFocused, onSelect, picture } = useFocused();
  const lit = useLit(id);
  // What can be done with it is not there before somebody comes to it.
  const [met, setMet] = useState(false);
  const meet = () => setMet(true);
  const {
    node,
    root,
    unit,
    rateIn,
    rateOut,
    lag,
    lagTone,
    late,
    deserted,
    going,
    tone,
    activity,
    hiddenUp,
    hiddenDown,
    openUp,
    openDown,
    unfolded,
    unfoldedHere,
    clusters,
  } = data;
  const [repeated, own] = nameParts(node);
  const words = [
    node.exists === false ? 'deleted' : '',
    halted(node) || (deserted ? NOBODY : stateOf(going, activity)),
  ].filter(Boolean);
  const sick = going !== null && isSick(going);
  const places = placesOf(node);
  // There is room for so many characters. Where they are more only the first word stands: the shape says the kind.
  const narrow = words.length > 0 && [kindOf(node), ...words, ...places].join(' ').length > ROOM;
  return (
    <div
      className={`node ${selected ? 'selected' : ''} ${root ? 'root' : ''} is-${activity} tone-${tone} of-${node.kind.toLowerCase()} ${lit}`}
      role="none"
      onPointerEnter={meet}
      onFocus={meet}
    >
      <LitStep id={id} />
      {hiddenUp > 0 && <Stub side="up" n={hiddenUp} id={id} all={openUp} />}
      <button
        type="button"
        className="node-card"
        tabIndex={-1}
        data-graph-id={id}
        aria-pressed={selected}
        onFocus={() => setFocused(id)}
        onClick={(e) => {
          e.stopPropagation();
          onSelect(id);
        }}
      >
        <span className="node-kind">
          <KindIcon kind={node.kind} />
          <span className={narrow ? 'sr' : ''}>{kindOf(node)}</span>
          {words.map((word, i) => (
            <b key={word} className={narrow && i > 0 ? 'sr' : 'word'}>
              {sick && i === words.length - 1 && <StateSign state={going} />}
              {word}
            </b>
          ))}
        </span>
        <span className="node-name" title={node.name}>
          {node.kind === 'UNIDENTIFIED' && <span className="prefix">writers of </span>}
          {repeated && <span className="sr">{repeated}</span>}
          <bdi>{own}</bdi>
        </span>
        <span className="node-scope">
          <Places places={places} clusters={clusters} />
          {root && <span className="sr">, root of this view</span>}
        </span>
        <span className="node-rates">
          {rateIn !== null && (
            <span>
              in <b title={node.rateIn?.detail ?? undefined}>{boundSign(node.rateIn) + rate(rateIn, unit)}</b>
            </span>
          )}
          {rateOut !== null && (
            <span>
              out <b title={node.rateOut?.detail ?? undefined}>{boundSign(node.rateOut) + rate(rateOut, unit)}</b>
            </span>
          )}
          {lag === 'unknown' && <span className="unknown">{LAG_UNKNOWN}</span>}
          {lag !== null && lag !== 'unknown' && (
            <span className={`lag tone-${lagTone}`} title={late ? `${late} behind` : undefined}>
              lag <b>{compact(Number(lag))}</b>
            </span>
          )}
          {rateIn === null && rateOut === null && lag === null && <span>{UNMEASURED}</span>}
        </span>
      </button>
      {hiddenDown > 0 && <Stub side="down" n={hiddenDown} id={id} all={openDown} />}
      {unfoldedHere.length > 0 && (
        <span className="card-tools stays">
          {unfoldedHere.map((s) => (
            <button key={s.node} type="button" tabIndex={-1} onClick={() => picture.fold(s.node)}>
              fold {stackName(s)}
            </button>
          ))}
        </span>
      )}
      {met && unfoldedHere.length === 0 && !root && (
        <span className="card-tools">
          <button
            type="button"
            tabIndex={-1}
            title={unfolded ? 'Fold its stack again (c)' : 'Take away what lies behind it (c)'}
            onClick={() => (unfolded ? picture.fold(unfolded) : picture.collapse(id))}
          >
            {unfolded ? 'fold' : 'collapse'}
          </button>
          <button type="button" tabIndex={-1} title="Hide it (x)" onClick={() => picture.hide(id)}>
            hide
          </button>
        </span>
      )}
    </div>
  );
}

/** In a word; of what goes as it should there is none. */
function stateOf(going: Going | null, activity: Activity): string {
  if (going === null || going === 'unknown') return activity === 'active' ? '' : ACTIVITY_WORD[activity];
  if (going !== 'moving') return GOING_WORD[going];
  if (activity === 'around') return ACTIVITY_WORD.around;
  return activity === 'active' ? '' : GOING_WORD.moving;
}

/** Where the node is; a cluster has its colour where the view holds several, so that one sees a flow cross. */
function Places({ places, clusters }: { places: string[]; clusters: ReadonlyMap<string, number> }) {
  return places.map((place, i) => {
    const cluster = clusters.get(place);
    return (
      <span key={i === 0 ? 'from' : 'to'} className="node-place">
        <span className="sr">{i === 1 ? ' to ' : places.length > 1 ? ', from ' : ', in '}</span>
        {i === 1 && <span aria-hidden="true">→</span>}
        <span className={cluster === undefined ? 'place' : `place in-cluster cluster-${cluster % 4}`} title={place}>
          <bdi>{place}</bdi>
        </span>
      </span>
    );
  });
}

interface StubProps {
  side: 'up' | 'down';
  n: number;
  id: string;
  /** As many as can be are shown. */
  all: boolean;
}

/** Neighbours that are not shown: cut by the limit, the depth or the direction, or taken away. Counted, so that nothing is cut silently; a click shows them. */
function Stub({ side, n, id, all }: StubProps) {
  const { picture } = useFocused();
  const words = `${n} more ${side === 'up' ? 'upstream' : 'downstream'}`;
  const sign = <span aria-hidden="true">{side === 'up' ? `← +${n}` : `+${n} →`}</span>;
  if (all)
    return (
      <span
        className={`stub stub-${side}`}
        title={`${words}, less important ones: open this node's lineage to see them`}
      >
        {sign}
        <span className="sr">{words}, not shown</span>
      </span>
    );
  return (
    <button
      type="button"
      className={`stub stub-${side} nodrag nopan`}
      tabIndex={-1}
      title={`Reveal ${words} (e)`}
      onClick={(e) => {
        e.stopPropagation();
        picture.open(side, id);
      }}
    >
      {sign}
      <span className="sr">Reveal {words}</span>
    </button>
  );
}
