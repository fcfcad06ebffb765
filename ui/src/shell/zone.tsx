import { zone } from '../words/format';
import { chooseClock, useClock } from './clock';

/** The zone that times are told in, of this reader at an instant, or UTC. */
export function ZoneName({ at }: { at: string }) {
  return <>{useClock() === 'utc' ? 'UTC' : zone(at)}</>;
}

/** The zone, to be changed to UTC for all times on the page and back. */
export function ZoneButton({ at }: { at: string }) {
  const utc = useClock() === 'utc';
  const name = utc ? 'UTC' : zone(at);
  const next = utc ? `local time, ${zone(at)}` : 'UTC';
  return (
    <button
      type="button"
      className="quiet zone"
      aria-label={`${name}: tell all times in ${next}`}
      aria-keyshortcuts="u"
      title={`Tell all times in ${next} (u)`}
      onClick={() => chooseClock(utc ? 'local' : 'utc')}
    >
      {name}
    </button>
  );
}
