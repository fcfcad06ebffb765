import { reportHref } from '../url/export';
import { follows, type ReportsState } from '../url/reports';

const FORMS = [
  ['csv', 'CSV'],
  ['json', 'JSON'],
  ['html', 'HTML'],
] as const;

/** The report as files, whole: what the page cuts is in them. */
export function Files({ of, state, by }: { of: 'report' | 'register'; state: ReportsState; by?: string }) {
  return (
    <p className="usage-links">
      {FORMS.map(([form, word]) => (
        <a
          key={form}
          className="button"
          href={reportHref(of, [state.scope, state.of], state.window, form, by, state.derived || !follows(state))}
          download
        >
          {word}
        </a>
      ))}
      <button type="button" onClick={() => print()}>
        Print
      </button>
    </p>
  );
}
