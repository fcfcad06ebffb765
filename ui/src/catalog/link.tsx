import { useQuery } from 'urql';
import { CatalogSizeDocument } from '../gql/graphql';
import { Icon } from '../shell/icons';
import { Link } from '../shell/link';
import { catalogHref } from '../url/catalog';
import { type WindowChoice, windowInput } from '../url/window';
import { plural } from '../words/words';

/** The way to all nodes, with how many there are. */
export function CatalogLink({ window }: { window: WindowChoice }) {
  const [{ data }] = useQuery({ query: CatalogSizeDocument, variables: { window: windowInput(window) } });
  const total = data?.nodes?.totalCount;
  return (
    <Link href={catalogHref({ window })} className="button to-catalog">
      <Icon name="table" />
      {total === undefined ? 'All nodes' : `All ${plural(total, 'node')}`}
    </Link>
  );
}
