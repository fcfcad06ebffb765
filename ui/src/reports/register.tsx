import { useState } from 'react';
import { useQuery } from 'urql';
import { RegisterDocument, type RegisterQuery } from '../gql/graphql';
import { coverageText, coverageTone } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Problem } from '../shell/problem';
import type { ReportsState } from '../url/reports';
import type { Change } from '../url/use-url';
import { type WindowChoice, windowInput } from '../url/window';
import { count, duration, parseDuration } from '../words/format';
import { nodeName, plural } from '../words/words';
import { Follow } from './derived';
import { Files } from './files';
import { Doubts, ReportTime } from './parts';
import { PartyLink } from './party';
import { useFollowed } from './use-followed';
import { Amount, did, Principals } from './uses';

type Register = NonNullable<RegisterQuery['processingRegister']>;
type RowOf = Register['rows']['edges'][number]['node'];

const FIRST = 100;
const MOST = 1000;

/** Who handles data of a tag, from where to where. */
export function RegisterReport({ state, change }: { state: ReportsState; change: Change<ReportsState> }) {
  const [first, setFirst] = useState(FIRST);
  const [{ data, error, fetching }, again] = useQuery({
    query: RegisterDocument,
    variables: { tag: state.of, window: windowInput(state.window), first, derived: state.derived },
  });
  useFollowed(state.window, fetching, again);
  const register = data?.processingRegister;
  return (
    <div className="usage" aria-busy={fetching}>
      <Problem error={error} again={again} />
      {fetching && !register && <p className="empty">Loading</p>}
      {register && (
        <>
          <Files of="register" state={state} />
          <Sum register={register} />
          <ReportTime coverage={register.coverage} parts={register.parts} />
          <Follow state={state} change={change} />
          <Rows register={register} window={state.window} more={first < MOST ? () => setFirst(MOST) : null} />
          <Topics register={register} window={state.window} />
          <Doubts doubts={register.doubts} coverage={register.coverage} />
        </>
      )}
      <p className="sr" role="status">
        {register ? plural(register.rows.totalCount, 'row') : ''}
      </p>
    </div>
  );
}

function Sum({ register }: { register: Register }) {
  const tone = coverageTone(register.coverage);
  return (
    <ul className="usage-sum" aria-label="In short">
      <li>
        <a href="#topics">{plural(register.topicCount - register.derivedTopicCount, 'topic')}</a>
        <span className="note">
          that bear the tag
          {register.derivedTopicCount > 0 && `; it comes to ${count(register.derivedTopicCount)} more`}
        </span>
      </li>
      <li>
        <a href="#rows">{plural(register.rows.totalCount, 'handler')}</a>
        <span className="note">who bring data in or take it out, of each topic</span>
      </li>
      <li className={register.crossing + register.derivedCrossing > 0 ? 'is-warn' : ''}>
        <a href="#rows">{plural(register.crossing, 'crossing')}</a>
        <span className="note">
          into another cluster or environment
          {register.derivedCrossing > 0 && `; ${count(register.derivedCrossing)} more of derived topics`}
        </span>
      </li>
      <li className={tone === 'warn' ? 'is-warn' : 'is-good'}>
        <a href="#observed">
          <Icon name={tone === 'warn' ? 'warn' : 'ok'} /> {tone === 'warn' ? 'With gaps' : 'Observed'}
        </a>
        <span className="note">{coverageText(register.coverage)}</span>
      </li>
    </ul>
  );
}

interface RowsProps {
  register: Register;
  window: WindowChoice;
  more: (() => void) | null;
}

function Rows({ register, window, more }: RowsProps) {
  const rows = register.rows.edges.map((e) => e.node);
  const left = register.rows.totalCount - rows.length;
  return (
    <section className="usage-side" id="rows" aria-label="Handlers">
      <h2>
        Who handles it <span className="note">{count(register.rows.totalCount)}</span>
      </h2>
      {rows.length === 0 && (
        <p className="empty">
          {register.coverage.complete
            ? 'Nobody was seen to handle data of this tag in this window, which was observed as a whole.'
            : 'Nobody was seen to handle data of this tag; a part of this window was not observed, so that somebody may have.'}
        </p>
      )}
      {rows.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="Register">
          <table>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col">Role</th>
                <th scope="col">Who</th>
                <th scope="col">Environment</th>
                <th scope="col">Did</th>
                <th scope="col" className="num">
                  Records
                </th>
                <th scope="col">From or to where it may be</th>
                <th scope="col">Crosses</th>
              </tr>
            </thead>
            <tbody>
              {rows.map((r) => (
                <Row key={`${r.use.topic.id} ${r.role} ${r.use.node.id}`} of={r} window={window} />
              ))}
            </tbody>
          </table>
        </section>
      )}
      {left > 0 && (
        <p>
          {more && (
            <button type="button" onClick={more}>
              Show more
            </button>
          )}{' '}
          <span className="note">{count(left)} are not shown</span>
        </p>
      )}
    </section>
  );
}

function Row({ of, window }: { of: RowOf; window: WindowChoice }) {
  const { use } = of;
  return (
    <tr>
      <th scope="row">
        <PartyLink party={use.topic} window={window} />
      </th>
      <td>{of.role === 'SOURCE' ? 'source' : 'recipient'}</td>
      <td>
        <PartyLink party={use.node} window={window} />
        <Principals of={use} />
      </td>
      <td>
        <bdi>{of.environment}</bdi>
      </td>
      <td>{use.active === true ? did(use) : <span className="unknown">{did(use)}</span>}</td>
      <td className="num">
        <Amount of={use} />
      </td>
      <td>
        <Places of={of} />
      </td>
      <td>{of.crossing ? <b className="crossing">yes</b> : 'no'}</td>
    </tr>
  );
}

function Places({ of }: { of: RowOf }) {
  if (of.placeCount === 0) return <span className="none">nowhere that is seen</span>;
  return (
    <ul className="known-by">
      {of.places.map((p) => (
        <li key={p.node.id}>
          <bdi>{nodeName(p.node)}</bdi>
          <span className="note">
            {[
              p.node.scope,
              p.tagged && 'bears the tag',
              p.node.derivedWay && 'the tag comes to it',
              p.crossing == null ? 'outside Kafka' : p.crossing && 'elsewhere',
              p.active == null && 'whether it moved is not known',
            ]
              .filter(Boolean)
              .join(', ')}
          </span>
        </li>
      ))}
      {of.placeCount > of.places.length && (
        <li className="note">{`and ${count(of.placeCount - of.places.length)} more`}</li>
      )}
    </ul>
  );
}

function Topics({ register, window }: { register: Register; window: WindowChoice }) {
  return (
    <section className="usage-side" id="topics" aria-label="Topics">
      <h2>
        Topics that bear the tag, and to which it comes <span className="note">{count(register.topicCount)}</span>
      </h2>
      {register.topics.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a region that scrolls must be reachable by keyboard
        <section className="card scroll" tabIndex={0} aria-label="Topics of the tag">
          <table>
            <thead>
              <tr>
                <th scope="col">Topic</th>
                <th scope="col">Environment</th>
                <th scope="col">Kept for</th>
                <th scope="col">Clean-up</th>
                <th scope="col">Used in this window</th>
              </tr>
            </thead>
            <tbody>
              {register.topics.map((t) => (
                <tr key={t.topic.id}>
                  <th scope="row">
                    <PartyLink party={t.topic} window={window} />
                  </th>
                  <td>
                    <bdi>{t.environment}</bdi>
                  </td>
                  <td>
                    {t.retention == null ? (
                      <span className="none">the brokers' default, or not known</span>
                    ) : (
                      kept(t.retention)
                    )}
                  </td>
                  <td>{t.cleanup ?? <span className="none">the brokers' default, or not known</span>}</td>
                  <td>
                    {t.used == null ? (
                      <span className="unknown">not known</span>
                    ) : t.used ? (
                      'yes, or it may have been'
                    ) : (
                      'not seen to be'
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </section>
      )}
      {register.topicCount > register.topics.length && (
        <p className="note">{`and ${count(register.topicCount - register.topics.length)} more`}</p>
      )}
    </section>
  );
}

/** retention.ms in words: -1 keeps all. */
export function kept(retention: string): string {
  if (retention === '-1') return 'for ever';
  const seconds = /^\d+$/.test(retention) ? Number(retention) / 1000 : parseDuration(retention);
  return seconds == null ? retention : duration(seconds);
}
