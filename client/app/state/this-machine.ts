/** Whether an address leads to the very computer that opens it, so that a link with it is of no use on another device. */
const THIS_MACHINE = /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/

export const isThisMachine = (address: string): boolean => URL.canParse(address) && THIS_MACHINE.test(new URL(address).hostname)
