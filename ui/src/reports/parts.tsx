import { coverageText } from '../shell/coverage';
import { Between, Instant } from '../shell/instant';
import { clip, inSeconds, Observed, Reasons, Row, Sample, Seen, Strip, StripAxis } from '../usage/strip';
import { plural } from '../words/words';
import type { CoverageOf, Part } from './types';

const SAYS = { HELD: 'the store', SEALED: 'the ledger', NOBODY: 'nobody' } as const;
const PIECE = { HELD: 'seen', SEALED: 'sealed', NOBODY: 'unseen' } as const;

interface TimeProps {
  coverage: CoverageOf;
  /** Who says what was; none: the store alone. */
  parts?: readonly Part[];
}

/** The time of a report: what was observed of it, and who says what was. */
export function ReportTime({ coverage, parts = [] }: TimeProps) {
  const window = inSeconds(coverage.window);
  const sources = [...new Set(parts.map((p) => p.source))];
  return (
    <section className="usage-side" id="observed" aria-label="Observed">
      <h2>
        When <span className="note">{coverageText(coverage)}</span>
      </h2>
      <figure className="when-strips">
        <Row label={<b>Observed</b>} words={<Seen stretches={coverage.stretches} />}>
          <Observed stretches={coverage.stretches} window={window} />
        </Row>
        {parts.length > 0 && (
          <Row label={<b>Said by</b>} words={sources.map((s) => SAYS[s]).join(', ')}>
            {parts.map((p) => (
              <Strip key={p.start} pieces={[{ use: PIECE[p.source], ...clip(inSeconds(p), window) }]} window={window} />
            ))}
          </Row>
        )}
        <StripAxis window={window} />
        <figcaption>
          <Instant at={coverage.window.start} className="from" />
          <span className="when-legend">
            <Sample use="unseen" word="not observed" />
            {sources.includes('HELD') && <Sample use="seen" word="the store says it" />}
            {sources.includes('SEALED') && <Sample use="sealed" word="the ledger says it" />}
          </span>
          <Instant at={coverage.window.end} />
        </figcaption>
        <Reasons stretches={coverage.stretches} count={coverage.stretchCount} />
      </figure>
      <ul className="report-parts" hidden={parts.length < 2}>
        {parts.map((p) => (
          <li key={`${p.source} ${p.start}`}>
            <Between start={p.start} end={p.end} />: {SAYS[p.source]}
            {p.source === 'SEALED' &&
              `, ${plural(p.periods, 'period')}${p.amendable ? ', which can still be amended' : ''}`}
          </li>
        ))}
      </ul>
    </section>
  );
}

/** What the report does not show, in its own sentences. */
export function Doubts({ doubts, coverage }: { doubts: readonly string[]; coverage: CoverageOf }) {
  const spots = [...Map.groupBy(coverage.blindSpots, (b) => `${b.what}\n${b.remedy}`)];
  return (
    <section className="usage-side" id="doubts" aria-label="What it does not show">
      <h2>
        What it does not show <span className="note">{doubts.length + spots.length}</span>
      </h2>
      {doubts.length + spots.length === 0 && <p>Nothing that is known of.</p>}
      <ul className="blind">
        {doubts.map((d) => (
          <li key={d}>{d}</li>
        ))}
        {spots.map(([key, of]) => (
          <li key={key}>
            <span>{of[0]?.what}</span>
            <span className="remedy">
              <b>Remedy:</b> {of[0]?.remedy}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
