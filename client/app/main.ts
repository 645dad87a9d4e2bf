/** Starts the app: the service worker that lets it boot offline, the state on the real SDK, the page. */
import { mount } from 'svelte'
import { registerSW } from 'virtual:pwa-register'
import './style/tokens.css'
import './style/base.css'
import './style/markdown.css'
import App from './App.svelte'
import { AppState } from './state/app.svelte.ts'
import { connectSdk } from './state/connect-sdk.ts'

registerSW({ immediate: true })

const app = new AppState(connectSdk(window), window)
document.documentElement.dataset.theme = app.theme.current
mount(App, { target: document.getElementById('app')!, props: { app } })
