import { type KeyboardEvent, useEffect, useRef, useState } from 'react';
import type { EvidenceKind } from '../gql/graphql';
import { EVIDENCE_GROUPS } from '../url/evidence';
import type { LineageState } from '../url/lineage';
import { EVIDENCE_WORD } from '../words/words';

interface Props {
  state: LineageState;
  change(patch: Partial<LineageState>): void;
}

/** Which kinds of evidence a flow must have to be shown: any of those that are checked; none checked: all. */
export function EvidenceFilter({ state, change }: Props) {
  const [open, setOpen] = useState(false);
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
  const close = (e: KeyboardEvent) => {
    if (e.key !== 'Escape' || !open) return;
    e.preventDefault();
    e.stopPropagation();
    setOpen(false);
    button.current?.focus();
  };
  const n = state.evidence.length;
  const toggle = (kinds: readonly EvidenceKind[], on: boolean) => {
    const rest = state.evidence.filter((k) => !kinds.includes(k));
    change({ evidence: on ? [...rest, ...kinds] : rest });
  };
  return (
    <div className="evidence-filter" ref={whole} onKeyDown={close} role="none">
      <button
        type="button"
        ref={button}
        aria-expanded={open}
        className={n > 0 ? 'on' : ''}
        title="How a flow must be known to be shown"
        onClick={() => setOpen(!open)}
      >
        {n === 0
          ? 'All evidence'
          : n === 1
            ? EVIDENCE_WORD[state.evidence[0] as EvidenceKind].short
            : `${n} kinds of evidence`}
      </button>
      {open && (
        <section className="card pad popup" aria-label="Evidence">
          <p className="note">Shows the flows that are known by one of these. None checked: all.</p>
          {EVIDENCE_GROUPS.map(({ name, kinds }) => (
            <fieldset key={name}>
              <legend>{name}</legend>
              {kinds.map((k) => (
                <label key={k} className="check" title={EVIDENCE_WORD[k].long}>
                  <input
                    type="checkbox"
                    checked={state.evidence.includes(k)}
                    onChange={(e) => toggle([k], e.target.checked)}
                  />
                  {EVIDENCE_WORD[k].short}
                </label>
              ))}
            </fieldset>
          ))}
          <p>
            <button type="button" disabled={n === 0} onClick={() => change({ evidence: [] })}>
              Show all evidence
            </button>
          </p>
        </section>
      )}
    </div>
  );
}
