/** Whether the text is an address of the web, which can be asked or become a link. */
export const isHttpUrl = (text: string): boolean => /^https?:$/.test(URL.parse(text)?.protocol ?? '')
