// What a job said of itself and of its runs, by OpenLineage events.
import type { RunsOfFragment } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Instant } from '../shell/instant';
import { Link } from '../shell/link';
import { type LineageState, lineageHref } from '../url/lineage';
import { plural } from '../words/words';
import { Fact } from './parts';
import type { PanelNode } from './types';

type Run = RunsOfFragment['nodes'][number];

const STATES: Record<Run['state'], string> = {
  GOES_ON: 'goes on',
  COMPLETED: 'completed',
  FAILED: 'failed',
  ABORTED: 'aborted',
  SILENT: 'said no end',
};

export function Runs({ node, state }: { node: PanelNode; state: LineageState }) {
  const said = node.runs;
  if (!said) return null;
  return (
    <section className="panel-part runs" aria-label="Runs">
      <h3>
        Runs <span className="note">as the job tells of them, at the end of the window</span>
      </h3>
      {(said.integration || said.type || said.owners.length > 0 || said.description) && (
        <dl className="facts">
          {said.integration && (
            <Fact name="Run by">
              <bdi>{[said.integration, said.type].filter(Boolean).join(' ')}</bdi>
            </Fact>
          )}
          {said.owners.length > 0 && (
            <Fact name="Owners it names">
              <bdi>{said.owners.map((o) => o.name).join(', ')}</bdi>
            </Fact>
          )}
          {said.description && (
            <Fact name="Description">
              <bdi>{said.description}</bdi>
            </Fact>
          )}
        </dl>
      )}
      {said.totalCount === 0 && <p className="note">It declared what it does, and told of no run.</p>}
      {said.nodes.map((run, i) => (
        <details key={run.id} open={i === 0}>
          <summary>
            <span className={run.state === 'FAILED' ? 'bad-word' : ''}>{STATES[run.state]}</span>{' '}
            <Instant at={run.started} />
          </summary>
          <RunFacts run={run} state={state} />
        </details>
      ))}
      {(said.older || said.totalCount > said.nodes.length) && (
        <p className="note">
          {said.totalCount > said.nodes.length &&
            `${plural(said.totalCount - said.nodes.length, 'older run')} kept and not shown. `}
          {said.older && 'Those before are not kept.'}
        </p>
      )}
    </section>
  );
}

function RunFacts({ run, state }: { run: Run; state: LineageState }) {
  return (
    <dl className="client">
      <Row name={run.startKnown ? 'started' : 'first heard of'}>
        <Instant at={run.started} />
      </Row>
      {run.ended && (
        <Row name="ended">
          <Instant at={run.ended} />
        </Row>
      )}
      {run.state === 'FAILED' && (
        <Row name="error">
          {run.failure ? (
            <bdi className="mono wrap">{run.failure}</bdi>
          ) : (
            <span className="unknown">no class told</span>
          )}
        </Row>
      )}
      {run.nominalStart && (
        <Row name="of the time">
          <Instant at={run.nominalStart} />
          {run.nominalEnd && (
            <>
              {' to '}
              <Instant at={run.nominalEnd} />
            </>
          )}
        </Row>
      )}
      {run.parent && (
        <Row name="part of">
          <bdi className="wrap">{run.parent.job}</bdi>
        </Row>
      )}
      {run.engine && (
        <Row name="engine">
          <bdi>{[run.engine, run.engineVersion].filter(Boolean).join(' ')}</bdi>
        </Row>
      )}
      <Ends name="read" ends={run.reads} state={state} />
      <Ends name="wrote" ends={run.writes} state={state} />
      {run.cut > 0 && <Row name="and">{plural(run.cut, 'more')}</Row>}
      <Row name="run">
        <span className="mono wrap">{run.id}</span>
      </Row>
    </dl>
  );
}

function Ends({ name, ends, state }: { name: string; ends: Run['reads']; state: LineageState }) {
  if (ends.length === 0) return null;
  return (
    <Row name={name}>
      {ends.map((e) => (
        <Link key={e.id} className="node-link" href={lineageHref({ ...state, roots: [e.id], selected: null })}>
          <KindIcon kind={e.kind} />
          <bdi className="wrap">{e.name}</bdi>
        </Link>
      ))}
    </Row>
  );
}

function Row({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
