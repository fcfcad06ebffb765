import { useId, useState } from 'react';
import type { WindowChoice } from '../url/window';
import { fromLocalInput, toLocalInput, utc, zone } from '../words/format';
import { iso } from './scale';

interface Props {
  window: WindowChoice;
  onChange(w: WindowChoice): void;
  /** The window as it is answered: what a custom one begins with. */
  resolved: { start: string; end: string } | undefined;
}

const PRESETS: [string, string][] = [
  ['10m', '10 min'],
  ['30m', '30 min'],
  ['1h', '1 h'],
  ['4h', '4 h'],
  ['24h', '24 h'],
  ['3d', '3 d'],
  ['1w', '1 week'],
];

export function WindowPicker({ window, onChange, resolved }: Props) {
  const [open, setOpen] = useState(false);
  const preset = window.kind === 'last' ? (PRESETS.find(([last]) => last === window.last)?.[0] ?? null) : null;
  const last = (value: string) => onChange({ kind: 'last', last: value });
  return (
    <div className="window">
      <fieldset className="segments window-presets">
        <legend className="sr">Window</legend>
        {PRESETS.map(([value, word]) => (
          <button type="button" key={value} aria-pressed={preset === value} onClick={() => last(value)}>
            {word}
          </button>
        ))}
        <button type="button" aria-pressed={preset === null} aria-expanded={open} onClick={() => setOpen(!open)}>
          Custom
        </button>
      </fieldset>
      <select
        className="window-select"
        aria-label="Window"
        value={preset ?? 'custom'}
        onChange={(e) => (e.target.value === 'custom' ? setOpen(true) : last(e.target.value))}
      >
        {PRESETS.map(([value, word]) => (
          <option key={value} value={value}>
            last {word}
          </option>
        ))}
        <option value="custom">custom …</option>
      </select>
      {preset === null && (
        <button type="button" className="window-change" aria-expanded={open} onClick={() => setOpen(!open)}>
          Change
        </button>
      )}
      {open && (
        <CustomWindow
          instant={window.kind === 'at'}
          resolved={resolved}
          onChoose={(w) => {
            onChange(w);
            setOpen(false);
          }}
          onClose={() => setOpen(false)}
        />
      )}
    </div>
  );
}

interface CustomProps {
  instant: boolean;
  resolved: Props['resolved'];
  onChoose(w: WindowChoice): void;
  onClose(): void;
}

function CustomWindow(p: CustomProps) {
  const id = useId();
  const [instantOnly, setInstantOnly] = useState(p.instant);
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
    else if (Date.parse(from) > Date.now()) setProblem('The start must not be in the future.');
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
      <Field name={instantOnly ? 'Instant' : 'Start'} value={start} onChange={setStart} />
      {!instantOnly && <Field name="End" value={end} onChange={setEnd} />}
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

/** A local instant to be typed; under it the zone that it is read in, and what it is in UTC. */
function Field({ name, value, onChange }: { name: string; value: string; onChange(value: string): void }) {
  const read = fromLocalInput(value);
  return (
    <label>
      {name}
      <input type="datetime-local" step="1" value={value} onChange={(e) => onChange(e.target.value)} />
      <span className="note">
        {zone(read ?? iso(Date.now()))}
        {read && zone(read) !== 'UTC' && ` · ${utc(read)}`}
      </span>
    </label>
  );
}
