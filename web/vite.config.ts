import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// The Rust binary embeds `dist` and serves it at `/`; in development the API is reached through a proxy, so that the page
// always speaks to its own origin.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // Nothing may be inlined as a `data:` script or font: the content security policy allows `data:` for images only.
    assetsInlineLimit: 0,
    // MapLibre alone is a megabyte and is needed for the first picture, so a smaller limit would only warn about the inevitable.
    chunkSizeWarningLimit: 1500,
  },
  worker: { format: 'es' },
  server: { proxy: { '/api': process.env.TUBAN_URL ?? 'http://127.0.0.1:8080' } },
  test: { include: ['src/**/*.test.ts', 'contract/*.test.ts'] },
});
