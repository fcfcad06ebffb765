import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

// The page and GraphiQL are two entries, so that nobody who looks at lineage loads an editor.
export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2023',
    // Assets as data: URIs would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // GraphiQL's editor is large by nature and loaded on its own page only.
    chunkSizeWarningLimit: 5000,
    rolldownOptions: {
      input: { index: 'index.html', graphiql: 'graphiql.html' },
      // GraphiQL's packages carry directives for the React compiler, which has already run on them.
      onLog: (level, log, next) => log.code === 'MODULE_LEVEL_DIRECTIVE' || next(level, log),
    },
  },
  server: {
    proxy: {
      '/graphql': {
        target: process.env.LINEAGED_URL ?? 'http://127.0.0.1:8420',
        changeOrigin: true,
        headers: { origin: '' },
      },
    },
  },
  test: { environment: 'node', include: ['src/**/*.test.{ts,tsx}'] },
});
