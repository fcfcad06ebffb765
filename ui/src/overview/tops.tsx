import type { OverviewQuery, RankPartsFragment } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import type { WindowChoice } from '../url/window';
import { duration, rate } from '../words/format';
import { boundSign, nodeName } from '../words/words';

interface Props {
  data: OverviewQuery | undefined;
  window: WindowChoice;
}

/** What moves most, and what is furthest behind. */
export function Tops({ data, window }: Props) {
  const blank = data?.findings?.coverage.observedFraction === 0;
  return (
    <div className="thirds">
      <Top
        title="Busiest topics"
        rank={data?.busyTopics}
        window={window}
        blank={blank}
        say={(v) => rate(v, 'records')}
        none="No topic was written."
        doubt={(one) => (one ? 'how fast it is' : 'how fast they are')}
      />
      <Top
        title="Busiest applications"
        rank={data?.busyApplications}
        window={window}
        blank={blank}
        say={(v) => rate(v, 'records')}
        none="No application moved anything."
        doubt={(one) => (one ? 'how fast it is' : 'how fast they are')}
      />
      <Top
        title="Furthest behind"
        rank={data?.lateApplications}
        window={window}
        blank={blank}
        say={(v) => duration(v)}
        none="No application is behind."
        doubt={(one) => (one ? 'how far it is behind' : 'how far they are behind')}
        least={1}
      />
    </div>
  );
}

interface TopProps {
  title: string;
  rank: RankPartsFragment | null | undefined;
  window: WindowChoice;
  say(value: number): string;
  none: string;
  /** What of some it is not known. */
  doubt(one: boolean): string;
  /** Nothing was observed: of nobody anything is known. */
  blank: boolean;
  /** What is less is not worth a line. */
  least?: number;
}

function Top({ title, rank, window, say, none, doubt, blank, least = Number.MIN_VALUE }: TopProps) {
  const id = `top-${title.replaceAll(' ', '-').toLowerCase()}`;
  const shown = rank?.ranked.filter((r) => r.value >= least) ?? [];
  const most = shown[0]?.value ?? 1;
  return (
    <section className="card top-list" aria-labelledby={id}>
      <div className="card-head">
        <h2 id={id}>{title}</h2>
      </div>
      <ol>
        {shown.map(({ node, value, detail }) => (
          <li key={node.id}>
            <Link href={lineageHref({ roots: [node.id], window, live: window.kind === 'last' })} className="node-link">
              <KindIcon kind={node.kind} />
              <bdi className="cut" title={nodeName(node)}>
                {nodeName(node)}
              </bdi>
            </Link>
            <span className="num" title={detail ?? undefined}>
              {boundSign({ detail: detail ?? null })}
              {say(value)}
            </span>
            <span className="share" aria-hidden="true" style={{ width: `${Math.max(1, (100 * value) / most)}%` }} />
          </li>
        ))}
      </ol>
      {rank && (
        <p className={blank ? 'empty-line not-observed-line' : 'note empty-line'}>
          {rest(rank, shown.length, none, doubt, blank)}
        </p>
      )}
    </section>
  );
}

/** What is to be said below the list; nothing, where it says all. */
function rest(
  rank: RankPartsFragment,
  shown: number,
  none: string,
  doubt: TopProps['doubt'],
  blank: boolean,
): string | null {
  if (blank) return 'Nothing was observed: it is not known.';
  const unknown = `Of ${rank.unknown === 1 ? 'one' : rank.unknown} more it is not known ${doubt(rank.unknown === 1)}.`;
  if (shown > 0) return rank.unknown > 0 ? unknown : null;
  return rank.unknown > 0 ? unknown.replace(' more', '') : none;
}
