// The app in client/app: built into dist/client, with a service worker that lets it boot offline.

import { svelte } from '@sveltejs/vite-plugin-svelte'
import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'

const server = `localhost:${process.env.PORT ?? '4400'}`

export default defineConfig({
  root: 'client/app',
  cacheDir: '../../node_modules/.vite',
  build: {
    outDir: '../../dist/client',
    emptyOutDir: true,
    target: 'es2022',
  },
  server: {
    port: 4401,
    strictPort: true,
    proxy: {
      '/api': { target: `http://${server}` },
      '/sync': { target: `ws://${server}`, ws: true },
    },
  },
  plugins: [
    svelte({ configFile: false }),
    VitePWA({
      registerType: 'autoUpdate',
      strategies: 'generateSW',
      includeAssets: ['icons/*'],
      manifest: {
        name: 'Skein',
        short_name: 'Skein',
        description: 'AI chat that is yours on every device, offline too',
        start_url: '/',
        display: 'standalone',
        theme_color: '#1f2430',
        background_color: '#1f2430',
        icons: [
          { src: 'icons/skein-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/skein-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/skein-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          { src: 'icons/skein.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      workbox: {
        globPatterns: ['**/*.{js,css,html,svg,png,woff2,webmanifest}'],
        navigateFallback: 'index.html',
        navigateFallbackDenylist: [/^\/api\//, /^\/sync\//, /^\/healthz$/, /^\/readyz$/, /^\/metrics$/],
        cleanupOutdatedCaches: true,
        clientsClaim: true,
        skipWaiting: true,
      },
    }),
  ],
})
