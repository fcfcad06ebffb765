import { renderToStaticMarkup } from 'react-dom/server';
import { expect, test } from 'vitest';
import { Name } from './name';

test('a foreign name keeps its direction to itself, and stays text', () => {
  const shown = (kind: 'TOPIC' | 'UNIDENTIFIED', name: string) => renderToStaticMarkup(<Name node={{ kind, name }} />);
  expect(shown('TOPIC', 'شحنات')).toBe('<bdi>شحنات</bdi>');
  expect(shown('UNIDENTIFIED', '<b>x</b>')).toBe('writers of <bdi>&lt;b&gt;x&lt;/b&gt;</bdi>');
});
