// Query strings that people can read and paste: ids keep their ':' and '/', which need no escaping in a query
// (RFC 3986 section 3.4).

export function formatQuery(pairs: readonly (readonly [string, string])[]): string {
  if (pairs.length === 0) return '';
  return `?${pairs.map(([k, v]) => `${escapeValue(k)}=${escapeValue(v)}`).join('&')}`;
}

function escapeValue(s: string): string {
  return encodeURIComponent(s).replace(/%3A/g, ':').replace(/%2F/g, '/').replace(/%2C/g, ',');
}

/** One of the values, or the first of them: a mistyped link still opens. */
export function oneOf<T extends string>(value: string | null, values: readonly [T, ...T[]]): T {
  return values.find((v) => v === value) ?? values[0];
}
