// A question as a document that stands for itself: its variables are its defaults. Pasted into GraphiQL, it runs.

// Of these types a value is written without quotes.
const BARE = new Set(['Int', 'Float', 'Boolean', 'Direction', 'Metric']);

/** The document with each of its variables' values as the default of that variable. */
export function withDefaults(document: string, variables: Readonly<Record<string, unknown>>): string {
  return document.replace(/\$(\w+): ?(\[?)(\w+)(!?\]?!?)/g, (whole, name: string, _open, type: string) =>
    variables[name] === undefined ? whole : `${whole} = ${literal(variables[name], type)}`,
  );
}

function literal(value: unknown, type: string): string {
  if (Array.isArray(value)) return `[${value.map((v) => literal(v, type)).join(', ')}]`;
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).map(([k, v]) => `${k}: ${literal(v, 'String')}`);
    return `{${fields.join(', ')}}`;
  }
  return typeof value === 'string' && !BARE.has(type) ? JSON.stringify(value) : String(value);
}
