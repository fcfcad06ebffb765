// What is said of schemas and of columns, in plain words.
import type { ColumnWaysPartsFragment, SchemaPartsFragment } from '../../gql/graphql';
import { count } from '../../words/format';
import { plural } from '../../words/words';

export type Schema = SchemaPartsFragment;
export type Ways = ColumnWaysPartsFragment;
export type Column = Ways['columns'][number];
export type Step = Ways['steps'][number];

/** What a schema is of: the key or the value of a topic's records; of a dataset there are no parts. */
export function partOf(s: Pick<Schema, 'part' | 'strategy'>, node: string): string {
  if (s.part === 'KEY') return 'Key';
  if (s.part === 'VALUE') return 'Value';
  if (!node.startsWith('topic:')) return '';
  return s.strategy === 'TOPIC_RECORD_NAME' ? 'One of its records, key or value not told' : 'Key or value not told';
}

/** Whether more may be hurt than is listed: all that is not known lies upstream where no. In doubt it may. */
export function mayHurtMore(w: Pick<Ways, 'columns' | 'unknown' | 'unknownCount'>): boolean {
  const up = new Set(w.columns.filter((c) => c.direction === 'UPSTREAM').map((c) => c.field));
  for (const c of w.columns) if (c.direction !== 'UPSTREAM') up.delete(c.field);
  return w.unknownCount > w.unknown.length || w.unknown.some((u) => !up.has(u.field));
}

/** What is not shown of a schema's columns; empty: all is. */
export function left(s: Pick<Schema, 'columns' | 'columnCount' | 'moreColumns'>): string {
  const shown = s.columns?.length ?? 0;
  const held = (s.columnCount ?? 0) - shown;
  const said: string[] = [];
  if (held > 0) said.push(`${plural(held, 'more column')} not shown here.`);
  if (s.moreColumns > 0) said.push(`${plural(s.moreColumns, 'column')} beyond those are not kept.`);
  return said.join(' ');
}

/** A column's path without its node. A node's id has no number sign. */
export const pathOf = (field: string): string => field.slice(field.indexOf('#') + 1);

/** Steps that end at a column, or begin there, as seen from the column that is asked for. */
export const stepsOf = (ways: Ways, c: Pick<Column, 'field' | 'direction'>): Step[] =>
  ways.steps.filter((s) => (c.direction === 'UPSTREAM' ? s.from : s.to) === c.field);

export function moved(active: boolean | null | undefined): string {
  if (active === true) return 'moved in this window';
  return active === false ? 'nothing moved in this window' : 'not known whether it moved in this window';
}

/** Whose programs and data are hurt, each once, by name; those that nobody owns are counted apart. */
export function owners(hurt: readonly Pick<Column, 'node'>[]): { owned: [string, number][]; nobodys: number } {
  const nodes = new Map(hurt.map((c) => [c.node.id, c.node.owner ?? '']));
  const by = new Map<string, number>();
  for (const owner of nodes.values()) by.set(owner, (by.get(owner) ?? 0) + 1);
  const nobodys = by.get('') ?? 0;
  by.delete('');
  return { owned: [...by].sort(([a], [b]) => (a < b ? -1 : 1)), nobodys };
}

/** What an answer does not hold, though it lies on the ways. */
export function cutWords(w: Pick<Ways, 'cut' | 'columnCount' | 'columns' | 'stepCount' | 'steps'>): string {
  const said: string[] = [];
  if (w.cut) said.push('More than 500 columns lie in one direction: those beyond were not looked for.');
  const more = w.columnCount - w.columns.length;
  if (more > 0) said.push(`${count(more)} more columns are not shown here.`);
  const steps = w.stepCount - w.steps.length;
  if (steps > 0) said.push(`Of ${plural(steps, 'step')} it is not shown who moves it.`);
  return said.join(' ');
}
