import { useState } from 'react';
import { useQuery } from 'urql';
import { usePolling } from '../data/poll';
import { ClustersDocument, DataProductsDocument, type DataProductsQuery } from '../gql/graphql';
import { Icon, KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { Problem } from '../shell/problem';
import { lineageHref } from '../url/lineage';
import { type WindowChoice, windowInput } from '../url/window';
import { plural } from '../words/words';

type Product = NonNullable<DataProductsQuery['dataProducts']>['edges'][number]['node'];
type Port = Product['ports'][number];

/** What is declared changes by the hand of people, what is observed of it by the minute. */
const POLL_SECONDS = 60;
/** More than these nobody reads in a row. */
const MOST = 50;

interface Props {
  window: WindowChoice;
  /** What the catalog is searched for. */
  text: string;
}

/** The data products that people declared, fetched once somebody opens them. Without any there is nothing to see. */
export function DataProducts(props: Props) {
  const [open, setOpen] = useState(false);
  const [{ data }] = useQuery({ query: ClustersDocument });
  const total = data?.dataProducts?.totalCount ?? 0;
  if (total === 0) return null;
  return (
    <details className="products" open={open} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        <h2>{plural(total, 'data product')}</h2>
        <span className="note">as declared, beside what was observed in this window</span>
      </summary>
      {open && <Found {...props} />}
    </details>
  );
}

/** Each product with its ports, and what was observed of these. */
function Found({ window, text }: Props) {
  const [{ data, error }, again] = useQuery({
    query: DataProductsDocument,
    variables: { window: windowInput(window), text: text || null, first: MOST },
  });
  usePolling(again, window.kind === 'last' ? POLL_SECONDS : null);
  const found = data?.dataProducts;
  if (!found) return <Problem error={error} again={again} />;
  return (
    <>
      <ul>
        {found.edges.map(({ node: p }) => (
          <OneProduct key={`${p.file}#${p.id}`} product={p} window={window} />
        ))}
      </ul>
      {found.totalCount === 0 && <p className="note">None has this in its name.</p>}
      {found.totalCount > found.edges.length && (
        <p className="note">and {found.totalCount - found.edges.length} more: filter them by name</p>
      )}
    </>
  );
}

function OneProduct({ product: p, window }: { product: Product; window: WindowChoice }) {
  const roots = [...new Set(p.ports.flatMap((port) => port.topics.map((t) => t.id)))];
  return (
    <li className="product card">
      <div className="product-head">
        <h3>
          <bdi>{p.name || p.id}</bdi>
        </h3>
        <span className="note">
          {[p.version && `version ${p.version}`, p.status].filter(Boolean).join(', ')}
          {p.domain && (
            <>
              {' '}
              of <bdi>{p.domain}</bdi>
            </>
          )}
        </span>
        {roots.length > 0 && (
          <Link href={lineageHref({ roots: roots.slice(0, 50), window })}>Lineage of its topics</Link>
        )}
      </div>
      <p className="note">
        Owner: {p.owner ? <bdi>{p.owner}</bdi> : 'not declared'} · declared in <bdi>{p.file}</bdi>, line {p.line}
      </p>
      {p.ports.length === 0 ? (
        <p className="note">It declares no ports.</p>
      ) : (
        <ul className="ports">
          {p.ports.map((port, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two ports may be called alike
            <OnePort key={i} port={port} window={window} />
          ))}
        </ul>
      )}
    </li>
  );
}

/** How it is said whether a port is used. An input is never told to be unused: who reads may leave no trace. */
const OBSERVED = {
  true: { icon: 'ok', input: 'read in this window', output: 'written in this window' },
  false: { icon: 'pause', input: 'rested', output: 'rested: nothing came into it' },
  null: { icon: 'warn', input: 'not known whether it was read', output: 'not known whether it was written' },
} as const;

function OnePort({ port, window }: { port: Port; window: WindowChoice }) {
  const seen = OBSERVED[`${port.observed ?? null}`];
  return (
    <li>
      <span className="port-way">{port.input ? 'takes' : 'gives'}</span>
      <b>
        <bdi>{port.name}</bdi>
      </b>
      <span className="note">
        {port.contract ? (
          <>
            contract <bdi>{port.contract}</bdi>
            {port.version && ` ${port.version}`}
          </>
        ) : (
          'no contract'
        )}
      </span>
      {port.topics.map((t) => (
        <Link key={t.id} href={lineageHref({ roots: [t.id], window })} className="node-link">
          <KindIcon kind={t.kind} />
          <bdi>{t.name}</bdi>
          {t.cluster && (
            <span className="note">
              <bdi>{t.cluster.name}</bdi>
            </span>
          )}
        </Link>
      ))}
      <span className={`port-seen seen-${port.observed ?? 'unknown'}`}>
        <Icon name={seen.icon} /> {port.input ? seen.input : seen.output}
      </span>
      {port.unresolved.map((why) => (
        <span key={why} className="note port-why">
          {why}
        </span>
      ))}
    </li>
  );
}
