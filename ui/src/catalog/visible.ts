/** How many rows are drawn beyond those in sight: what one turn of a wheel passes. */
const AROUND = 12;

/** Which rows are drawn. */
export function visible(
  scrolled: number,
  height: number,
  rowHeight: number,
  total: number,
): [from: number, to: number] {
  const first = Math.floor(scrolled / rowHeight) - AROUND;
  const last = Math.ceil((scrolled + height) / rowHeight) + AROUND;
  const to = Math.max(0, Math.min(total, last));
  return [Math.max(0, Math.min(first, to)), to];
}

type Part = { row: number } | { space: number; until: number };

/** What a list is made of: rows, and room for those that are not drawn. The current row stays, wherever one scrolls: the next key is for it. */
export function drawn(from: number, to: number, total: number, current: number): Part[] {
  const parts: Part[] = [];
  let next = 0;
  const upTo = (row: number) => {
    if (row > next) parts.push({ space: row - next, until: row });
    next = row;
  };
  const add = (row: number) => {
    upTo(row);
    parts.push({ row });
    next = row + 1;
  };
  if (current < Math.min(from, total)) add(current);
  for (let row = from; row < to; row++) add(row);
  if (current >= to && current < total) add(current);
  upTo(total);
  return parts;
}
