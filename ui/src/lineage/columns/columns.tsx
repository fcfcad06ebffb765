// Which columns a topic's records or a dataset have, as registries and jobs say.
import { useId } from 'react';
import { useQuery } from 'urql';
import { NodeSchemasDocument } from '../../gql/graphql';
import { Instant } from '../../shell/instant';
import { Problem } from '../../shell/problem';
import { columnOf } from '../../url/lineage';
import { plural } from '../../words/words';
import type { LineageAnswer, PanelProps } from '../types';
import { ColumnWays } from './ways';
import { left, partOf, type Schema } from './words';

interface Props extends Pick<PanelProps, 'id' | 'state' | 'change'> {
  window: LineageAnswer['window'];
}

/** Asked only of a node of which somebody says columns. */
export function Columns({ id, window, state, change }: Props) {
  const { start, end } = window;
  const [{ data, error }, again] = useQuery({
    query: NodeSchemasDocument,
    variables: { node: id, window: { start, end } },
  });
  const title = useId();
  const said = data?.schemas;
  const chosen = columnOf(state.column, id);
  const more = said ? said.schemaCount - said.schemas.length : 0;
  return (
    <section className="panel-part columns" aria-labelledby={title}>
      <h3 id={title}>
        Columns <span className="note">as they are said at the end of the window</span>
      </h3>
      <Problem error={error} again={again} />
      {!said && !error && <p className="empty">Loading</p>}
      {said && new Set(said.schemas.map((s) => s.part)).size < said.schemas.length && (
        <p className="note">More than one describes the same: each says what it says.</p>
      )}
      {said?.schemas.map((s) => (
        <OneSchema
          key={`${s.source} ${s.subject} ${s.part} ${s.record}`}
          node={id}
          schema={s}
          chosen={chosen}
          choose={(field) => change({ column: field === chosen ? null : field })}
        />
      ))}
      {more > 0 && <p className="note">{plural(more, 'more schema')} not shown here.</p>}
      {chosen && (
        <ColumnWays key={chosen} field={chosen} window={window} state={state} close={() => change({ column: null })} />
      )}
    </section>
  );
}

interface OneProps {
  node: string;
  schema: Schema;
  chosen: string | null;
  choose(field: string): void;
}

function OneSchema({ node, schema, chosen, choose }: OneProps) {
  const { columns } = schema;
  const cut = left(schema);
  const part = partOf(schema, node);
  return (
    <div className="schema">
      {(part || schema.record) && (
        <h4>
          {part}
          {part && schema.record && ': '}
          <bdi>{schema.record}</bdi>
        </h4>
      )}
      <Told schema={schema} />
      {!columns && (
        <p className="unknown">
          Its columns are not known: <bdi>{schema.problem ?? 'nobody says why'}</bdi>
        </p>
      )}
      {columns?.length === 0 && <p className="note">It has no columns of its own.</p>}
      {columns && columns.length > 0 && (
        <table className="columns-table">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Type</th>
              <th scope="col">Optional</th>
            </tr>
          </thead>
          <tbody>
            {columns.map((c) => (
              <tr key={c.field}>
                <th scope="row">
                  <button
                    type="button"
                    className="row-button mono"
                    aria-pressed={c.field === chosen}
                    title="Where it comes from and where it leads"
                    onClick={() => choose(c.field)}
                  >
                    <bdi>{c.path || 'the whole'}</bdi>
                  </button>
                </th>
                <td className="mono">
                  <bdi>{c.type}</bdi>
                </td>
                <td>
                  <Optional is={c.optional} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {cut && <p className="note">{cut}</p>}
    </div>
  );
}

/** Whether a record may lack a column, or have null there. */
function Optional({ is }: { is: boolean | null }) {
  if (is === null) return <span className="unknown">not told</span>;
  return is ? 'yes' : 'no';
}

/** Who says it, since when. */
function Told({ schema: s }: { schema: Schema }) {
  return (
    <p className="note">
      {s.origin === 'REGISTRY' ? (
        <>
          Schema registry <bdi>{s.source}</bdi>
        </>
      ) : (
        'OpenLineage: a job says so'
      )}
      {s.subject && s.origin === 'REGISTRY' && (
        <>
          {', subject '}
          <bdi>{s.subject}</bdi>
        </>
      )}
      {s.version != null && `, version ${s.version}`}
      {s.format && s.origin === 'REGISTRY' && (
        <>
          {', '}
          <bdi>{s.format}</bdi>
        </>
      )}
      {s.compatibility && (
        <>
          {', '}
          <bdi>{s.compatibility}</bdi>
        </>
      )}
      {', first seen '}
      <Instant at={s.since} />
    </p>
  );
}
