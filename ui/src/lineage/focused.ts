import { createContext, use } from 'react';
import type { Side } from '../url/folding';

/** What a card can do to the picture that it is in. */
export interface Picture {
  unfold(stack: string): void;
  fold(stack: string): void;
  /** Shows the hidden neighbours on a side. */
  open(side: Side, node: string): void;
  collapse(node: string): void;
  hide(node: string): void;
}

/** How cards and labels tell the graph what has the focus and what was chosen. */
const Context = createContext<{ setFocused(id: string): void; onSelect(id: string): void; picture: Picture }>({
  setFocused: () => {},
  onSelect: () => {},
  picture: { unfold: () => {}, fold: () => {}, open: () => {}, collapse: () => {}, hide: () => {} },
});

export const Focused = Context.Provider;
export const useFocused = () => use(Context);
