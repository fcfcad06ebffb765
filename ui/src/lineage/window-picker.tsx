import { useId, useState } from 'react';
import type { LineageState } from '../url/lineage';
import { fromLocalInput, instant, toLocalInput } from '../words/format';

interface Props {
  state: LineageState;
  change(patch: Partial<LineageState>): void;
  resolved: { start: string; end: string } | undefined;
}

const PRESETS: [string, string][] = [
  ['10m', '10 min'],
  ['1h', '1 h'],
  ['24h', '24 h'],
];

export function WindowPicker({ state, change, resolved }: Props) {
  const [open, setOpen] = useState(false);
  const { window } = state;
  const preset = window.kind === 'last' ? window.last : null;
  const custom =
    window.kind === 'at'
      ? `at ${instant(window.at)}`
      : window.kind === 'range'
        ? `${instant(window.start)} – ${instant(window.end)}`
        : PRESETS.some(([last]) => last === preset)
          ? 'Custom'
          : `last ${preset}`;
  return (
    <div className="window">
      <fieldset className="segments">
        <legend className="sr">Window</legend>
        {PRESETS.map(([last, word]) => (
          <button
            type="button"
            key={last}
            aria-pressed={preset === last}
            onClick={() => change({ window: { kind: 'last', last } })}
          >
            {word}
          </button>
        ))}
        <button
          type="button"
          aria-pressed={!PRESETS.some(([last]) => last === preset)}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {custom}
        </button>
      </fieldset>
      {open && (
        <CustomWindow
          resolved={resolved}
          onChoose={(w) => {
            change({ window: w, live: false });
            setOpen(false);
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  );
}

function CustomWindow(p: { resolved: Props['resolved']; onChoose(w: LineageState['window']): void; onClose(): void }) {
  const id = useId();
  const [instantOnly, setInstantOnly] = useState(false);
  const [start, setStart] = useState(p.resolved ? toLocalInput(p.resolved.start) : '');
  const [end, setEnd] = useState(p.resolved ? toLocalInput(p.resolved.end) : '');
  const [problem, setProblem] = useState('');
  const submit = (e: React.FormEvent) => {
    e.preventDefault();
    const from = fromLocalInput(start);
    const to = fromLocalInput(end);
    if (instantOnly) {
      if (from) p.onChoose({ kind: 'at', at: from });
      else setProblem('Give an instant.');
    } else if (!from || !to) setProblem('Give a start and an end.');
    else if (Date.parse(from) >= Date.parse(to)) setProblem('The start must be before the end.');
    else p.onChoose({ kind: 'range', start: from, end: to });
  };
  return (
    <form
      className="card pad popup custom"
      aria-label="Custom window"
      onSubmit={submit}
      onKeyDown={(e) => {
        if (e.key !== 'Escape') return;
        e.preventDefault();
        p.onClose();
      }}
    >
      <div className="choices">
        <label className="check">
          <input type="radio" name={id} checked={!instantOnly} onChange={() => setInstantOnly(false)} /> from – to
        </label>
        <label className="check">
          <input type="radio" name={id} checked={instantOnly} onChange={() => setInstantOnly(true)} /> one instant
        </label>
      </div>
      <label>
        {instantOnly ? 'Instant' : 'Start'}
        <input type="datetime-local" step="1" value={start} onChange={(e) => setStart(e.target.value)} />
      </label>
      {!instantOnly && (
        <label>
          End
          <input type="datetime-local" step="1" value={end} onChange={(e) => setEnd(e.target.value)} />
        </label>
      )}
      <p className="note">Local time, {Intl.DateTimeFormat().resolvedOptions().timeZone}.</p>
      {problem && <p role="alert">{problem}</p>}
      <div className="actions">
        <button type="submit" className="primary">
          Show
        </button>
        <button type="button" onClick={p.onClose}>
          Cancel
        </button>
      </div>
    </form>
  );
}
