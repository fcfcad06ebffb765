import type { NodeProps } from '@xyflow/react';
import { KindIcon } from '../shell/icons';
import { StateSign } from '../shell/state-sign';
import { compact } from '../words/format';
import { isSick } from '../words/going';
import { LAG_UNKNOWN } from '../words/words';
import type { StackNode } from './elements';
import { useFocused } from './focused';
import { LitStep, useLit } from './lit-context';
import { healthText, stackName, stackSentence } from './stacks';

/** Many neighbours of one node as a pile of cards: a click draws them one by one. */
export function StackCard({ id, data, selected }: NodeProps<StackNode>) {
  const { setFocused, picture } = useFocused();
  const { stack, going, tone, rate, lag, lagTone, late, hiddenUp, hiddenDown } = data;
  const lit = useLit([id, ...stack.memberIds]);
  return (
    <div className={`node stack ${selected ? 'selected' : ''} tone-${tone} of-${stack.kind.toLowerCase()} ${lit}`}>
      <LitStep id={id} />
      <button
        type="button"
        className="node-card"
        tabIndex={-1}
        data-graph-id={id}
        aria-expanded={false}
        title={`${stackSentence(stack)}\nClick to draw them one by one`}
        onFocus={() => setFocused(id)}
        onClick={(e) => {
          e.stopPropagation();
          picture.unfold(id);
        }}
      >
        <span className="node-kind">
          <KindIcon kind={stack.kind} />
          <b className="word">
            {isSick(going) && <StateSign state={going} />}
            {healthText(stack)}
          </b>
        </span>
        <span className="node-name">{stackName(stack)}</span>
        <span className="node-scope">
          {stack.of > stack.count && <span className="place">of {stack.of}</span>}
          <span className="sr">. {stackSentence(stack)}. Enter or e draws them one by one</span>
        </span>
        <span className="node-rates">
          <span>
            {stack.direction === 'DOWNSTREAM' ? 'in ' : 'out '}
            <b>{rate}</b>
          </span>
          {lag === 'unknown' && <span className="unknown">{LAG_UNKNOWN}</span>}
          {lag !== null && lag !== 'unknown' && (
            <span className={`lag tone-${lagTone}`} title={late ? `${late} behind` : undefined}>
              lag <b>{compact(Number(lag))}</b>
            </span>
          )}
        </span>
      </button>
      <Beyond up={hiddenUp} down={hiddenDown} />
    </div>
  );
}

/** What is hidden behind members: some may have the same neighbours, so it is said and not opened. */
function Beyond({ up, down }: { up: number; down: number }) {
  return (['up', 'down'] as const).map((side) => {
    const n = side === 'up' ? up : down;
    if (n === 0) return null;
    const words = `${n} more ${side === 'up' ? 'upstream' : 'downstream'} of its members, some perhaps counted twice: draw them one by one to see them`;
    return (
      <span key={side} className={`stub stub-${side}`} title={words}>
        <span aria-hidden="true">{side === 'up' ? `← +${n}` : `+${n} →`}</span>
        <span className="sr">{words}</span>
      </span>
    );
  });
}
