// The usage report's state and its URL: of which topic, in which window.
import { formatQuery } from './query';
import { parseWindow, type WindowChoice, windowPairs } from './window';

export interface UsageState {
  /** A topic's id; empty: none was named. */
  topic: string;
  window: WindowChoice;
}

export function parseUsage(search: string): UsageState {
  const q = new URLSearchParams(search);
  return { topic: q.get('topic') ?? '', window: parseWindow(q) };
}

export const formatUsage = (s: UsageState): string =>
  formatQuery([...(s.topic ? [['topic', s.topic] as const] : []), ...windowPairs(s.window)]);

/** The page that says who wrote and who read a topic. */
export const usagePage = (topic: string, window: WindowChoice): string => `/usage${formatUsage({ topic, window })}`;
