import { createContext, type FocusEvent, type MouseEvent, type ReactNode, use, useMemo, useState } from 'react';
import { type Lit, litClass, neighbours } from './lit';
import { LossMark } from './loss-mark';
import type { LineageAnswer } from './types';

interface Lights {
  lit: Lit | null;
  near: Lit | null;
}

const Context = createContext<Lights>({ lit: null, near: null });

interface Props {
  answer: LineageAnswer;
  /** What is lit as long as the state is as it is; null: nothing, and nothing is dimmed. */
  lit: Lit | null;
  children: ReactNode;
}

/** Around a picture: what it has lit, and the neighbours of what the mouse is on or the keyboard has. */
export function Lighting({ answer, lit, children }: Props) {
  const [at, setAt] = useState<string | null>(null);
  const look = (e: MouseEvent | FocusEvent) => setAt(idOf(e.target));
  const near = useMemo(() => (at === null ? null : neighbours(answer, at)), [answer, at]);
  const lights = useMemo(() => ({ lit, near }), [lit, near]);
  return (
    <Context value={lights}>
      <div
        className="lighting"
        role="none"
        onMouseOver={look}
        onMouseLeave={() => setAt(null)}
        onFocus={look}
        onBlur={() => setAt(null)}
      >
        {children}
      </div>
    </Context>
  );
}

/** The node or flow that something belongs to; null: none. */
function idOf(target: EventTarget): string | null {
  if (!(target instanceof Element)) return null;
  const own = target.closest<HTMLElement>('[data-graph-id]')?.dataset.graphId;
  return own ?? target.closest('.react-flow__node, .react-flow__edge')?.getAttribute('data-id') ?? null;
}

/** The classes by which something is lit or not; several ids: of a stack. */
export function useLit(ids: string | readonly string[]): string {
  const { lit, near } = use(Context);
  return litClass(lit, near, typeof ids === 'string' ? [ids] : ids);
}

/** On a card: its place in the order in which all that is lit is hit. */
export function LitStep({ id }: { id: string }) {
  const { lit } = use(Context);
  const mark = lit?.marks?.get(id);
  if (mark) return <LossMark mark={mark} />;
  const step = lit?.nodes.get(id);
  if (step == null) return null;
  return (
    <span className="lit-step">
      <span className="sr">hit as number </span>
      {step}
    </span>
  );
}
