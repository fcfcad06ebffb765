// What somebody is about to say of a node: the form as text, and what of it is a change.
import type { MetadataChange, MetadataField, NodeMetadataQuery } from '../../gql/graphql';

export type Said = NonNullable<NonNullable<NonNullable<NodeMetadataQuery['node']>['metadata']>>;
export type Entry = Said['entries'][number];

/** A field of the form; of a property it has a key. */
export type Slot = { field: MetadataField; key: string | null };

/** A form: texts by slot, in their order. Tags stand with semicolons between them. */
export type Draft = { slot: Slot; text: string }[];

const FIELDS: MetadataField[] = ['OWNER', 'CONTACT', 'DESCRIPTION', 'TAGS', 'STOPS'];

export const FIELD_WORD: Record<MetadataField, string> = {
  OWNER: 'Owner',
  CONTACT: 'Contact',
  DESCRIPTION: 'Description',
  TAGS: 'Tags',
  STOPS: 'Tags that end here',
  PROPERTY: 'Property',
};

const lists = (field: MetadataField): boolean => field === 'TAGS' || field === 'STOPS';

export const slotName = ({ field, key }: Slot): string => (field === 'PROPERTY' ? (key ?? '') : FIELD_WORD[field]);

const same = (a: Slot, b: Slot): boolean => a.field === b.field && a.key === b.key;

export function entryOf(said: Said, slot: Slot): Entry | undefined {
  return said.entries.find((e) => same({ field: e.field, key: e.key ?? null }, slot));
}

export const textOf = (values: string[]): string => values.join('; ');

/** The form as it is opened: what holds now. */
export function draftOf(said: Said): Draft {
  const slots: Slot[] = FIELDS.map((field) => ({ field, key: null }));
  for (const e of said.entries) if (e.field === 'PROPERTY') slots.push({ field: e.field, key: e.key ?? null });
  return slots.map((slot) => ({ slot, text: textOf(entryOf(said, slot)?.values ?? []) }));
}

export function valuesOf(slot: Slot, text: string): string[] {
  const parts = lists(slot.field) ? text.split(';') : [text];
  return parts.map((p) => p.trim()).filter((p) => p !== '');
}

/**
 * What a form changes of what holds. What is emptied takes back an edit; where a rule says something, tags can be said to
 * be none, and of others it is told what can't be said.
 */
export function changesOf(said: Said, draft: Draft): { changes: MetadataChange[]; problem: string | null } {
  const changes: MetadataChange[] = [];
  for (const { slot, text } of draft) {
    const is = entryOf(said, slot);
    const values = valuesOf(slot, text);
    if (textOf(values) === textOf(is?.values ?? [])) continue;
    if (values.length > 0) {
      changes.push({ ...slot, values });
    } else if (is?.source === 'EDIT' && (!is.over || !lists(slot.field))) {
      changes.push({ ...slot, values: null });
    } else if (lists(slot.field)) {
      changes.push({ ...slot, values: [] });
    } else {
      return {
        changes: [],
        problem: `${slotName(slot)}: a rule says it. Say something else; it can't be emptied here.`,
      };
    }
  }
  return { changes, problem: null };
}

/** A form after somebody else has edited: what was not touched in it is what holds now. */
export function rebased(seen: Said, now: Said, draft: Draft): Draft {
  const was = draftOf(seen);
  const text = (all: Draft, slot: Slot) => all.find((d) => same(d.slot, slot))?.text ?? '';
  const out = draftOf(now);
  for (const d of draft) if (!out.some((o) => same(o.slot, d.slot))) out.push({ slot: d.slot, text: '' });
  return out.map((o) => {
    const mine = draft.find((d) => same(d.slot, o.slot));
    return mine && mine.text !== text(was, o.slot) ? mine : o;
  });
}
