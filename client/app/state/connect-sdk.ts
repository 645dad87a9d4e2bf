/** Binds the app to the SDK. */
import type { Sdk } from './sdk.ts'

export const connectSdk = (window: Window): Sdk => { throw new Error(window.name) }
