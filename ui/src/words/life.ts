// How the last life of a node or flow is told: when it was there, and how that ended.
import type { LifeEnd, LifeFragment } from '../gql/graphql';
import { duration, percent } from './format';
import type { Said } from './said';

export const LIFE_WORD: Record<Exclude<LifeEnd, 'THERE' | 'NEVER'>, string> = {
  GONE: 'Gone',
  SILENT: 'Not seen any more',
  NOT_OBSERVED: 'Not observed since',
  LATER: 'Not seen yet',
};

type Life = Pick<LifeFragment, 'end' | 'firstSeen' | 'lastSeen' | 'since' | 'goneAt'> & {
  coverage?: { complete: boolean; observedFraction: number } | null;
};

const at = (iso: string) => ({ at: iso, exact: true });

/** When it was seen. */
export function lifeHead({ end, firstSeen, lastSeen, since, goneAt }: Life): Said {
  if (end === 'LATER') return firstSeen ? ['It was first seen ', at(firstSeen), ', after this window.'] : [];
  const said: Said = [
    ...(firstSeen
      ? ['First seen ', at(firstSeen), ', last seen ']
      : ['It was there before the data begins. Last seen ']),
    ...(lastSeen ? [at(lastSeen)] : ['at a time that is not known']),
  ];
  const again = since && firstSeen && since !== firstSeen ? ['; this last time it was there since ', at(since)] : [];
  const gone = goneAt ? [', and seen to be gone ', at(goneAt)] : [];
  return [...said, ...again, ...gone, '.'];
}

/** How that is known: gone, silent and not observed are three answers. */
export function lifeWhy(life: Life): Said {
  const { end, lastSeen, goneAt, coverage } = life;
  const seen = coverage ? percent(coverage.observedFraction) : '';
  switch (end) {
    case 'GONE': {
      const between = goneAt && lastSeen ? (Date.parse(goneAt) - Date.parse(lastSeen)) / 1000 : 0;
      return between > 120
        ? [`It was deleted. When, within ${duration(between)}, is not known: nobody looked between the two.`]
        : ['It was deleted.'];
    }
    case 'SILENT':
      return coverage?.complete
        ? ['All of the time since was observed, and it was not seen. Nothing told of a deletion.']
        : [`Of the time since, ${seen} was observed, and it was not seen in that. Nothing told of a deletion.`];
    case 'NOT_OBSERVED':
      return ['Nobody has looked since, or nobody did in this window: it may be there all the same.'];
    default:
      return [];
  }
}
