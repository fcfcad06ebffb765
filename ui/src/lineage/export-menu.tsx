import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import { stringifyDocument } from 'urql';
import { download, fileName, pngOf } from '../data/png';
import { AllFlowsDocument, LineageDocument } from '../gql/graphql';
import { type ExportFormat, exportHref, usageHref } from '../url/export';
import type { LineageState } from '../url/lineage';
import { withDefaults } from '../words/query';
import { allFlowsVariables, lineageVariables } from './question';

const FILES: [ExportFormat, string][] = [
  ['dot', 'DOT (Graphviz)'],
  ['mermaid', 'Mermaid'],
  ['csv', 'CSV'],
  ['json', 'JSON'],
];

/** Takes the view away: files that the server writes, a PNG drawn from its picture, or the question itself. */
export function ExportMenu({ state }: { state: LineageState }) {
  const [open, setOpen] = useState(false);
  const [said, setSaid] = useState('');
  const whole = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (!open) return;
    const outside = (e: PointerEvent) => {
      if (!whole.current?.contains(e.target as Node)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const act = (what: () => Promise<string>) => async () => {
    setSaid('');
    try {
      setSaid(await what());
    } catch (e) {
      setSaid(`Not done: ${e instanceof Error ? e.message : String(e)}`);
    }
  };
  const close = (e: KeyboardEvent) => {
    if (e.key !== 'Escape') return;
    e.preventDefault();
    e.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  const [topic] = state.roots;
  return (
    <div className="export" ref={whole} onKeyDown={close} role="none">
      <button type="button" ref={button} aria-expanded={open} onClick={() => setOpen(!open)}>
        Export
      </button>
      {open && (
        <section className="card pad popup" aria-label="Export">
          <ul>
            <li>
              <a href={exportHref(state, 'svg')} download>
                SVG
              </a>
            </li>
            <li>
              <button type="button" className="row-button" onClick={act(() => savePng(state))}>
                PNG
              </button>
            </li>
            {FILES.map(([format, word]) => (
              <li key={format}>
                <a href={exportHref(state, format)} download>
                  {word}
                </a>
              </li>
            ))}
            {state.roots.length === 1 && topic?.startsWith('topic:') && (
              <>
                <li>
                  <a href={usageHref(topic, state.window, 'csv')} download>
                    Who wrote and read it, CSV
                  </a>
                </li>
                <li>
                  <a href={usageHref(topic, state.window, 'json')} download>
                    Who wrote and read it, JSON
                  </a>
                </li>
              </>
            )}
            <li>
              <button type="button" className="row-button" onClick={act(() => copyQuery(state))}>
                Copy as query
              </button>
            </li>
          </ul>
          <p role="status">{said}</p>
        </section>
      )}
    </div>
  );
}

async function savePng(state: LineageState): Promise<string> {
  const theme = document.documentElement.dataset.theme === 'dark' ? 'dark' : 'light';
  const response = await fetch(exportHref(state, 'svg', theme));
  const body = await response.text();
  if (!response.ok) throw new Error(reasonOf(body) ?? `the server answered ${response.status}`);
  download(await pngOf(body), fileName(response.headers.get('Content-Disposition'), 'png'));
  return 'Saved';
}

/** What a refusal says; none: it is none of ours. */
function reasonOf(body: string): string | undefined {
  try {
    return JSON.parse(body).errors?.[0]?.message;
  } catch {
    return undefined;
  }
}

async function copyQuery(state: LineageState): Promise<string> {
  const text =
    state.roots.length > 0
      ? withDefaults(stringifyDocument(LineageDocument), lineageVariables(state))
      : withDefaults(stringifyDocument(AllFlowsDocument), allFlowsVariables(state));
  await navigator.clipboard.writeText(text);
  return 'Copied';
}
