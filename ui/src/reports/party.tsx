import type { PartyFragment, VolumeFragment } from '../gql/graphql';
import { KindIcon } from '../shell/icons';
import { Link } from '../shell/link';
import { lineageHref } from '../url/lineage';
import { usagePage } from '../url/usage';
import type { WindowChoice } from '../url/window';
import { bytes, count } from '../words/format';
import { kindOf, nodeName } from '../words/words';
import { DerivedWay } from './derived';

/** A topic leads to who used it, all else to its lineage: it may be gone, and both pages say so. */
export function PartyLink({ party, window }: { party: PartyFragment; window: WindowChoice }) {
  const href =
    party.kind === 'TOPIC' ? usagePage(party.id, window) : lineageHref({ roots: [party.id], window, depth: 1 });
  return (
    <>
      <Link className="node-link" href={href}>
        <KindIcon kind={party.kind} />
        <bdi>{nodeName(party)}</bdi>
      </Link>
      <span className="note">
        {kindOf(party)}
        {party.scope && (
          <>
            , <bdi>{party.scope}</bdi>
          </>
        )}
        {party.owner && (
          <>
            , <bdi>{party.owner}</bdi>
          </>
        )}
      </span>
      <DerivedWay way={party.derivedWay} />
    </>
  );
}

/** What stands before a figure: a part that is not in it makes it the least that there was. */
export const sign = (v: { estimated: boolean; atLeast: boolean }): string =>
  v.atLeast ? '≥ ' : v.estimated ? '~' : '';

/** Records and bytes; not known is no zero. */
export function Volume({ of }: { of: VolumeFragment }) {
  if (of.records == null && of.bytes == null) return <span className="unknown">not known</span>;
  return (
    <>
      {of.records == null ? <span className="unknown">not known</span> : sign(of) + count(of.records)}
      <span className="note">{of.bytes == null ? 'size not known' : `~${bytes(of.bytes)}`}</span>
    </>
  );
}
