import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    environment: 'jsdom',
    include: ['{src,viewer,wire,guest}/**/*.spec.{ts,tsx}'],
    setupFiles: ['./vitest.setup.ts'],
    restoreMocks: true,
    // The notebook comes with all editors; a plugin needs no more of it than its token.
    alias: {
      '@jupyterlab/notebook': new URL('src/__tests__/notebook.ts', import.meta.url).pathname
    },
    // Style sheets are read as they are by the test of their colours.
    css: true
  }
});
