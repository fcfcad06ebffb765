import { instant, spanEnds, utc, zone } from '../words/format';
import type { Said } from '../words/said';
import { useClock } from './clock';

/** An instant in UTC for who hovers; where the text is not the local time itself, in that too. */
function both(iso: string, shown: string): string {
  const local = instant(iso);
  return shown === local || zone(iso) === 'UTC' ? utc(iso) : `${utc(iso)}, ${local} ${zone(iso)}`;
}

/** For machines: an instant as UTC writes it; what is none stays as it is. */
function machine(iso: string): string {
  const t = new Date(iso);
  return Number.isNaN(t.getTime()) ? iso : t.toISOString();
}

interface Props {
  at: string;
  /** How it is told; local time without it. Who asked for UTC gets the instant, and not how long ago. */
  when?: ((iso: string) => string) | undefined;
  className?: string;
}

/** An instant by the reader's clock, and in UTC on hover; by the key u all of them are in UTC, for who does not hover. */
export function Instant({ at, when = instant, className }: Props) {
  const text = useClock() === 'utc' ? instant(at, Date.now(), 'utc') : when(at);
  return <Time at={at} text={text} className={className} />;
}

/** From one instant to another, each with its day where it needs one. */
export function Between({ start, end }: { start: string; end: string }) {
  const [from, to] = spanEnds(start, end, Date.now(), useClock());
  return (
    <>
      <Time at={start} text={from} /> – <Time at={end} text={to} />
    </>
  );
}

function Time({ at, text, className }: { at: string; text: string; className?: string | undefined }) {
  return (
    <time dateTime={machine(at)} title={both(at, text)} className={className}>
      {text}
    </time>
  );
}

/** A text in which instants stand. */
export function Words({ said, when }: { said: Said; when?: (iso: string) => string }) {
  return said.map((p, i) =>
    typeof p === 'string' ? (
      p
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: the parts of a text have no other name than their place
      <Instant key={i} at={p.at} when={p.exact ? undefined : when} />
    ),
  );
}
