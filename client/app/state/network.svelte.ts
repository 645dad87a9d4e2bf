/** Whether the browser believes in a network at all. */

export class Network {
  up: boolean = $state(true)

  constructor(window: Window) {
    const read = () => { this.up = window.navigator.onLine }
    window.addEventListener('online', read)
    window.addEventListener('offline', read)
    read()
  }
}
