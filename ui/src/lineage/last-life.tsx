import { type ReactNode, useState } from 'react';
import { useQuery } from 'urql';
import { LastLivesDocument, type LifeFragment } from '../gql/graphql';
import { CoverageBadge, CoverageDetail } from '../shell/coverage';
import { Icon } from '../shell/icons';
import { Between, Words } from '../shell/instant';
import { ZoneName } from '../shell/zone';
import { type WindowChoice, windowInput } from '../url/window';
import { LIFE_WORD, lifeHead, lifeWhy } from '../words/life';
import { nameOfId } from '../words/words';

export type Shown = LifeFragment & { window: { start: string; end: string } };

/** As many as the server follows into the past at once. */
const MOST = 10;

/**
 * The last lives of nodes and flows that a window does not have. asked: of whom, none: of nobody. Nothing while they are
 * not known.
 */
export function useLastLives(asked: readonly string[], window: WindowChoice): LifeFragment[] | undefined {
  const ids = asked.slice(0, MOST);
  const [{ data }] = useQuery({
    query: LastLivesDocument,
    pause: ids.length === 0,
    variables: { ids, window: windowInput(window) },
  });
  const lives = data?.lastLives?.lives;
  // An answer of before is of others.
  return lives && ids.length > 0 && ids.every((id, i) => lives[i]?.id === id) ? lives : undefined;
}

/** The window of a life, as a page has one; null: there is none to show. */
export const windowOf = (life: LifeFragment | undefined): (WindowChoice & { kind: 'range' }) | null =>
  life?.window && life.end !== 'THERE' ? { kind: 'range', start: life.window.start, end: life.window.end } : null;

interface Props {
  life: LifeFragment;
  /** What leads on from here. */
  children?: ReactNode;
  /** Whether the window of that life is shown below. */
  shown?: boolean;
}

/** When somebody was there who is not in the window, and how that ended: gone, silent, or nobody looked. */
export function LastLife({ life, children, shown }: Props) {
  const [open, setOpen] = useState(false);
  if (life.end === 'THERE' || life.end === 'NEVER') return null;
  return (
    <section className={`last-life life-${life.end.toLowerCase().replace('_', '-')}`} aria-label="Its last life">
      <p className="life-head">
        <span className="life-sign">
          <Icon name={life.end === 'NOT_OBSERVED' ? 'warn' : 'clock'} />
          {LIFE_WORD[life.end]}
        </span>{' '}
        <bdi>{life.id.split('->').map(nameOfId).join(' → ')}</bdi>
      </p>
      <p>
        <Words said={lifeHead(life)} />
      </p>
      <p className="note">
        <Words said={lifeWhy(life)} />
      </p>
      <div className="life-ways">
        {life.coverage && (
          <span className="life-since">
            Since then: <CoverageBadge coverage={life.coverage} open={open} onToggle={() => setOpen(!open)} />
          </span>
        )}
        {children}
      </div>
      {open && life.coverage && <CoverageDetail coverage={life.coverage} />}
      {shown && life.window && (
        <p className="life-shown">
          <b>{life.end === 'LATER' ? 'Another time' : 'Past'}</b> What is shown is <Between {...life.window} />{' '}
          <ZoneName at={life.window.end} />
        </p>
      )}
    </section>
  );
}
