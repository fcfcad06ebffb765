// Decimal numbers as the API has them, exact strings, as people read them.

/** Three places behind the point, and never 0 for what is something. */
export function decimal(exact: string): string {
  const n = Number(exact);
  if (!Number.isFinite(n)) return exact;
  if (n !== 0 && Math.abs(n) < 0.001) return n < 0 ? `−<${least.format(0.001)}` : `<${least.format(0.001)}`;
  return format.format(n).replace('-', '−');
}

const format = new Intl.NumberFormat(undefined, { maximumFractionDigits: 3 });
const least = new Intl.NumberFormat(undefined, { minimumFractionDigits: 3 });
