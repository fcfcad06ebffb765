import { Client, fetchExchange } from 'urql';

/**
 * No cache: an answer about a moving window is stale at once, and a live page would fill one for ever. Pages keep their
 * last answer while the next one loads.
 */
export const client = new Client({ url: '/graphql', exchanges: [fetchExchange], preferGetMethod: false });
