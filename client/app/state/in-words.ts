/** What went wrong, in words for people. */
export const inWords = (error: unknown): string => error instanceof Error && error.message ? error.message : 'The server did not answer.'
