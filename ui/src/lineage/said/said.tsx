import { useEffect, useId, useRef, useState } from 'react';
import { useMutation, useQuery } from 'urql';
import { NodeMetadataDocument, SetMetadataDocument } from '../../gql/graphql';
import { Icon } from '../../shell/icons';
import { Instant } from '../../shell/instant';
import { Link } from '../../shell/link';
import { Problem } from '../../shell/problem';
import { lineageHref } from '../../url/lineage';
import { EVIDENCE_WORD, plural } from '../../words/words';
import type { LineageAnswer, PanelProps } from '../types';
import { changesOf, type Draft, draftOf, type Entry, FIELD_WORD, rebased, type Said, slotName, textOf } from './draft';

/** Tags are followed through all flows for it: no more often than one reads. */
const ASK_SECONDS = 60;

/** What people say of a node, who said it and since when, the tags that come to it, and a form to say more. */
export function SaidOf({
  id,
  window,
  state,
}: { id: string; window: LineageAnswer['window'] } & Pick<PanelProps, 'state'>) {
  // Of now it is asked without a window: what was said a moment ago is in the newest one.
  const live = state.window.kind === 'last';
  const [{ data, error }, again] = useQuery({
    query: NodeMetadataDocument,
    variables: live ? { id } : { id, window: { start: window.start, end: window.end } },
  });
  const [open, setOpen] = useState(false);
  const edit = useRef<HTMLButtonElement>(null);
  const opened = useRef(false);
  useEffect(() => {
    if (opened.current && !open) edit.current?.focus(); // and comes back to where it began
    opened.current = open;
  }, [open]);
  useEffect(() => {
    if (!live) return;
    const timer = setInterval(() => again({ requestPolicy: 'network-only' }), ASK_SECONDS * 1000);
    return () => clearInterval(timer);
  }, [live, again]);
  const said = data?.node?.metadata;
  const title = useId();
  if (!said) return <Problem error={error} />;
  return (
    <section className="panel-part said" aria-labelledby={title}>
      <h3 id={title}>
        What is said of it <span className="note">{said.editCount > 0 && plural(said.editCount, 'edit')}</span>
      </h3>
      {open ? (
        <Form
          id={id}
          said={said}
          by={data?.editing?.by ?? null}
          reload={() => again({ requestPolicy: 'network-only' })}
          close={() => setOpen(false)}
        />
      ) : (
        <>
          <Entries entries={said.entries} />
          {data?.editing?.enabled && live && (
            <button ref={edit} type="button" onClick={() => setOpen(true)}>
              Edit
            </button>
          )}
          {data?.editing?.enabled && !live && (
            <p className="note">As it stood then. It is edited in a window up to now.</p>
          )}
        </>
      )}
      <Derived said={said} state={state} />
    </section>
  );
}

function Entries({ entries }: { entries: Entry[] }) {
  if (entries.length === 0) return <p className="empty">Nobody has said anything of it.</p>;
  return (
    <dl className="client said-list">
      {entries.map((e) => (
        <div key={`${e.field} ${e.key}`}>
          <dt>
            <bdi>{slotName({ field: e.field, key: e.key ?? null })}</bdi>
          </dt>
          <dd>
            <bdi className="said-text">{e.values.length > 0 ? textOf(e.values) : 'said to be none'}</bdi>
            <span className="note">
              <Source of={e} />
              {e.over && (
                <>
                  {', over '}
                  <bdi>{textOf(e.over.values)}</bdi>
                  {', '}
                  <Source of={e.over} />
                </>
              )}
            </span>
          </dd>
        </div>
      ))}
    </dl>
  );
}

function Source({ of }: { of: Pick<Entry, 'source' | 'rule' | 'since' | 'by'> }) {
  if (of.source === 'RULE') return <>by {of.rule ?? 'a rule'}</>;
  if (of.source === 'DECLARED') return <>declared</>;
  return (
    <>
      edited by {of.by ? <bdi>{of.by}</bdi> : 'somebody who is not known'}
      {of.since && (
        <>
          {', '}
          <Instant at={of.since} />
        </>
      )}
    </>
  );
}

/** Tags that come along flows: a sign and a word beside each, since nobody said them of the node. */
function Derived({ said, state }: { said: Said } & Pick<PanelProps, 'state'>) {
  const { tags, count, doubts } = said.derivedTags;
  return (
    <div className="derived">
      <h4>Derived tags</h4>
      {tags.length === 0 && <p className="unknown">No derived tag is known.</p>}
      <ul>
        {tags.map((d) => {
          const from = d.way[0]?.from;
          return (
            <li key={d.tag}>
              <span className="tag derived-tag">
                <span aria-hidden="true">↳ </span>
                <bdi>{d.tag}</bdi> <span className="note">derived</span>
              </span>
              <details>
                <summary>
                  {plural(d.way.length, 'flow')} from <bdi>{from?.name}</bdi>
                </summary>
                <ol>
                  {d.way.map((f) => (
                    <li key={f.id}>
                      <Link
                        href={lineageHref({ ...state, roots: [f.from.id], selected: f.id, impact: false, path: null })}
                      >
                        <bdi>{f.from.name}</bdi> → <bdi>{f.to.name}</bdi>
                      </Link>{' '}
                      <span className="note">{f.evidence.map((e) => EVIDENCE_WORD[e.kind].short).join(', ')}</span>
                    </li>
                  ))}
                </ol>
              </details>
            </li>
          );
        })}
      </ul>
      {count > tags.length && <p className="note">{count - tags.length} more.</p>}
      {doubts.length > 0 && <p className="note">There may be more: {doubts.join('; ')}.</p>}
    </div>
  );
}

type FormProps = { id: string; said: Said; by: string | null; reload: () => void; close: () => void };

function Form({ id, said, by, reload, close }: FormProps) {
  const [draft, setDraft] = useState<Draft>(() => draftOf(said));
  const [seen, setSeen] = useState(said); // what it was opened with, and is saved over
  const [problem, setProblem] = useState<string | null>(null);
  const [conflict, setConflict] = useState(false);
  const [{ fetching }, set] = useMutation(SetMetadataDocument);
  const label = useId();
  const first = useRef<HTMLInputElement>(null);
  useEffect(() => first.current?.focus(), []); // who presses Edit goes on in the form
  const save = async () => {
    const { changes, problem: wrong } = changesOf(seen, draft);
    if (wrong) return setProblem(wrong);
    if (changes.length === 0) return close();
    const { error } = await set({ node: id, expected: seen.version, changes });
    if (!error) {
      reload();
      return close();
    }
    setConflict(error.graphQLErrors.some((e) => e.extensions?.code === 'CONFLICT'));
    setProblem(
      error.networkError
        ? 'lineaged cannot be reached. Nothing was saved.'
        : error.graphQLErrors.map((e) => e.message).join(' '),
    );
    reload();
  };
  return (
    <form
      className="said-form"
      aria-label="What is said of it"
      onSubmit={(e) => {
        e.preventDefault();
        save();
      }}
      onKeyDown={(e) => {
        if (e.key !== 'Escape') return;
        e.stopPropagation();
        close();
      }}
    >
      {draft.map(({ slot, text }, i) => {
        const name = slotName(slot);
        const field = {
          id: `${label}-${i}`,
          value: text,
          onChange: (e: { target: { value: string } }) =>
            setDraft(draft.map((d, k) => (k === i ? { ...d, text: e.target.value } : d))),
        };
        return (
          <div key={`${slot.field} ${slot.key}`}>
            <label htmlFor={field.id}>
              <bdi>{name}</bdi>
              {(slot.field === 'TAGS' || slot.field === 'STOPS') && <span className="note"> with ; between them</span>}
            </label>
            {slot.field === 'DESCRIPTION' ? (
              <textarea rows={3} {...field} />
            ) : (
              <input type="text" ref={i === 0 ? first : undefined} {...field} />
            )}
          </div>
        );
      })}
      <AddProperty draft={draft} add={(key) => setDraft([...draft, { slot: { field: 'PROPERTY', key }, text: '' }])} />
      {problem && (
        <div className="problem" role="alert">
          <Icon name="warn" />
          <div>
            <p>{problem}</p>
            {conflict && <Now said={said} seen={seen} />}
          </div>
        </div>
      )}
      <p className="note">Written down as said by {by ? <bdi>{by}</bdi> : 'somebody who is not known'}.</p>
      <p className="said-buttons">
        {conflict && said.version !== seen.version ? (
          <button
            key="seen"
            type="button"
            className="primary"
            onClick={() => {
              setDraft(rebased(seen, said, draft));
              setSeen(said);
              setConflict(false);
              setProblem(null);
              first.current?.focus();
            }}
          >
            I have seen it
          </button>
        ) : (
          <button key="save" type="submit" className="primary" disabled={fetching}>
            Save
          </button>
        )}
        <button type="button" onClick={close}>
          Cancel
        </button>
      </p>
    </form>
  );
}

/** What others have said since the form was opened. */
function Now({ said, seen }: { said: Said; seen: Said }) {
  const now = said.entries.filter(
    (e) => textOf(e.values) !== textOf(seen.entries.find((s) => s.field === e.field && s.key === e.key)?.values ?? []),
  );
  return now.length > 0 ? <Entries entries={now} /> : null;
}

function AddProperty({ draft, add }: { draft: Draft; add: (key: string) => void }) {
  const [key, setKey] = useState('');
  const label = useId();
  const fits = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(key) && !draft.some((d) => d.slot.key === key);
  return (
    <div className="said-add">
      <label htmlFor={label}>
        {FIELD_WORD.PROPERTY} <span className="note">a new one, by its name</span>
      </label>
      <span>
        <input id={label} type="text" value={key} placeholder="cost-center" onChange={(e) => setKey(e.target.value)} />
        <button
          type="button"
          disabled={!fits}
          onClick={() => {
            add(key);
            setKey('');
          }}
        >
          Add
        </button>
      </span>
    </div>
  );
}
