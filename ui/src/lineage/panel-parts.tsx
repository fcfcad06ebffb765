// Parts of a node's panel that other sources tell of it: what happened, who may, what was said.
import { useState } from 'react';
import type { NodeDetailQuery } from '../gql/graphql';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { type LineageState, lineageHref } from '../url/lineage';
import { usagePage } from '../url/usage';
import { count } from '../words/format';
import { EVENT_WORD, isOpen, nodeName, OPEN, plural } from '../words/words';

/** What happened to the node in the window: the newest, and where the others are. */
export function NodeEvents({
  id,
  events,
  state,
}: {
  id: string;
  events: NodeDetailQuery['events'];
  state: LineageState;
}) {
  if (!events) return null;
  return (
    <section className="panel-part" aria-label="What happened">
      <h3>
        What happened <span className="note">{plural(events.totalCount, 'event')} in this window</span>
      </h3>
      {events.edges.length === 0 && (
        <p className={events.coverage.complete ? 'note' : 'unknown'}>
          {events.coverage.complete ? 'Nothing.' : 'Nothing in the part of the window that was observed.'}
        </p>
      )}
      <ul className="happened">
        {events.edges.map(({ node: e }) => (
          <li key={e.id}>
            <Instant at={e.at} />
            <b>{EVENT_WORD[e.type]}</b>
            {e.flow && (
              <span>
                <bdi>{nodeName(e.flow.from)}</bdi> → <bdi>{nodeName(e.flow.to)}</bdi>
              </span>
            )}
            <span className="note">{e.detail}</span>
          </li>
        ))}
      </ul>
      {events.totalCount > events.edges.length && (
        <p>
          <Link
            href={lineageHref({ ...state, roots: [id], view: 'events', selected: null, impact: false, path: null })}
          >
            All of its events
          </Link>
        </p>
      )}
    </section>
  );
}

/** Who is permitted by the access control lists, in a few words; the report has them all. */
export function NodePermitted({
  id,
  usage,
  state,
}: {
  id: string;
  usage: NodeDetailQuery['topicUsage'];
  state: LineageState;
}) {
  if (!usage) return null;
  const all = usage.permitted;
  const unused = all?.filter((p) => p.allowed && p.usedInWindow === false) ?? [];
  return (
    <section className="panel-part" aria-label="Permitted">
      <h3>Permitted</h3>
      {all == null ? (
        <p className="unknown">Not known: the access control lists could not be read.</p>
      ) : isOpen(all) ? (
        <p>{OPEN}</p>
      ) : (
        <p>
          {plural(all.length, 'entry', 'entries')} of the access control lists
          {unused.length > 0 &&
            `; not used in this window: ${unused
              .map((p) => p.principal)
              .slice(0, 5)
              .join(', ')}`}
          {unused.length > 5 && ` and ${unused.length - 5} more`}
        </p>
      )}
      <p>
        <Link href={usagePage(id, state.window)}>Who used it, and who may</Link>
      </p>
    </section>
  );
}

/** What people declared of it and was not seen, where declarations are read. */
export function DeclaredUnseen({ found }: { found: NodeDetailQuery['declarations'] }) {
  if (!found || found.totalCount === 0) return null;
  return (
    <section className="panel-part" aria-label="Declared, not seen">
      <h3>
        Declared, not seen <span className="note">{count(found.totalCount)}</span>
      </h3>
      <ul className="happened">
        {found.edges.map(({ node: d }) => (
          <li key={d.id}>
            <span>
              <bdi>{d.application}</bdi> {d.kind === 'CONSUME' ? 'reads' : 'writes'} <bdi>{d.topic}</bdi>
            </span>
            <span className="note">
              {d.file}:{d.line}
              {d.why && `, ${d.why}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Copies the question of the panel, which runs where it is pasted. */
export function CopyQuery({ text }: { text(): string }) {
  const [said, setSaid] = useState('');
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setSaid('Copied');
    } catch (e) {
      setSaid(`Not copied: ${e instanceof Error ? e.message : String(e)}`);
    }
  };
  return (
    <p className="copy-query">
      <button type="button" onClick={copy}>
        Copy as query
      </button>
      <span role="status">{said}</span>
    </p>
  );
}
