import { useStore } from '@xyflow/react';
import { createContext, type ReactNode, use, useMemo } from 'react';
import { createPortal } from 'react-dom';

interface Labels {
  /** Where labels are drawn, above all lines; null: it is not there yet. */
  layer: Element | null;
  /** Only those are drawn that say what needs somebody, or are pointed at. */
  few: boolean;
  /** What the keyboard is on or goes to: its label takes the focus. */
  focused: string;
}

const Context = createContext<Labels>({ layer: null, few: false, focused: '' });

/** Around a picture: tells each line where its label goes, looked up once and not for each, and whether it has one. */
export function LabelLayer({ few, focused, children }: Omit<Labels, 'layer'> & { children: ReactNode }) {
  const pane = useStore((s) => s.domNode);
  const layer = useMemo(() => pane?.querySelector('.react-flow__edgelabel-renderer') ?? null, [pane]);
  const value = useMemo(() => ({ layer, few, focused }), [layer, few, focused]);
  return <Context value={value}>{children}</Context>;
}

/** How a line's label is drawn; null: it is not. loud: it is drawn also where only few are. */
export function useLabel(id: string, loud: boolean): ((label: ReactNode) => ReactNode) | null {
  const { layer, few, focused } = use(Context);
  if (!layer || (few && !loud && focused !== id)) return null;
  return (label) => createPortal(label, layer);
}
