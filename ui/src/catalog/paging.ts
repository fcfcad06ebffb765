// The rows of a long list, fetched a page at a time where somebody looks.
import type { CombinedError } from 'urql';
import type { Merged } from '../data/merged';
import type { CatalogQuery } from '../gql/graphql';

type Found = NonNullable<CatalogQuery['nodes']>;
export type CatalogRow = Merged<Found['edges'][number]['node']>;
export type Head = Pick<Found, 'totalCount' | 'unknown' | 'coverage'>;

/** How many rows are asked for at once: some screens. */
export const PAGE = 100;
/** The most that the server passes over in one answer. */
const HOP = 1000;

export interface Answered<T> {
  data?: T | undefined;
  error?: CombinedError | undefined;
}

/** Asks for a page of rows, or only where it ends. window: that of the first answer, so that all pages are of one. */
export interface Ask {
  page(after: string | null, first: number, window: Span | undefined): Promise<Answered<CatalogQuery>>;
  place(after: string | null, first: number, window: Span | undefined): Promise<Answered<string | null>>;
}

export interface Span {
  start: string;
  end: string;
}

/**
 * One list as it was at one moment: later pages are asked for the window that the first was answered for, since rows of
 * a window that moves on would change places between two pages, and be dropped or come twice. One request at a time.
 */
export class Paging {
  head: Head | undefined;
  error: CombinedError | undefined;
  readonly rows = new Map<number, CatalogRow>();
  /** Where pages begin: after which cursor. */
  private readonly places = new Map<number, string | null>([[0, null]]);
  private wanted: [from: number, to: number] = [0, PAGE];
  private busy = false;
  private closed = false;

  constructor(
    private readonly ask: Ask,
    private readonly changed: () => void,
  ) {}

  /** Says which rows are looked at; what is missing of them is fetched. */
  want(from: number, to: number): void {
    this.wanted = [from, to];
    if (!this.busy) void this.run();
  }

  /** Fetches after an error once more. */
  again(): void {
    this.error = undefined;
    this.want(...this.wanted);
  }

  /** Nobody looks any more: what is under way is not taken. */
  close(): void {
    this.closed = true;
  }

  /** Whether all rows that are looked at are there. */
  get ready(): boolean {
    return this.head !== undefined && this.missing() === null;
  }

  /** The first page that is looked at and not there; null: none. */
  private missing(): number | null {
    if (!this.head) return 0;
    const to = Math.min(this.wanted[1], this.head.totalCount);
    for (let i = Math.floor(Math.max(0, this.wanted[0]) / PAGE) * PAGE; i < to; i += PAGE) {
      if (!this.rows.has(i)) return i;
    }
    return null;
  }

  private async run(): Promise<void> {
    this.busy = true;
    try {
      for (let at = this.missing(); at !== null && !this.error && !this.closed; at = this.missing()) {
        await (this.places.has(at) ? this.fetch(at) : this.hop(at));
        if (!this.closed) this.changed();
      }
    } finally {
      this.busy = false;
    }
  }

  private async fetch(at: number): Promise<void> {
    const { data, error } = await this.ask.page(this.places.get(at) ?? null, PAGE, this.head?.coverage.window);
    const found = data?.nodes;
    if (!found) {
      this.error = error;
      return;
    }
    this.head ??= found;
    for (const [i, e] of found.edges.entries()) this.rows.set(at + i, e.node);
    // Less than was told before: what came late has changed the past. What is shown is what there is.
    const end = at + found.edges.length;
    if (end < Math.min(at + PAGE, this.head.totalCount)) this.head = { ...this.head, totalCount: end };
    this.places.set(at + PAGE, found.pageInfo.endCursor ?? null);
  }

  /** Passes over rows that nobody looks at, towards a page far below. */
  private async hop(to: number): Promise<void> {
    let from = 0;
    for (const at of this.places.keys()) if (at < to && at > from) from = at;
    const first = Math.min(HOP, to - from);
    const { data, error } = await this.ask.place(this.places.get(from) ?? null, first, this.head?.coverage.window);
    if (data === undefined || data === null) {
      this.error = error;
      if (!error && this.head) this.head = { ...this.head, totalCount: Math.min(this.head.totalCount, from) };
      return;
    }
    this.places.set(from + first, data);
  }
}
