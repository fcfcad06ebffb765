import { createContext, use } from 'react';

/** How cards and labels tell the graph what has the focus and what was chosen. */
const Context = createContext<{ setFocused(id: string): void; onSelect(id: string): void }>({
  setFocused: () => {},
  onSelect: () => {},
});

export const Focused = Context.Provider;
export const useFocused = () => use(Context);
