/** A line of the list without the marks of markdown, which say nothing there. */

/** Only marks that come in pairs or begin a line: `2*3` and `snake_case` stay as they are. */
export const previewText = (markdown: string): string =>
  markdown
    .replaceAll(/^\s*(?:#{1,6}|>|[-*+])\s+/g, '')
    .replaceAll(/(\*\*|__|~~)(?=\S)(.+?)\1/g, '$2')
    .replaceAll(/(?<![\w*])\*(?=\S)([^*]+?)\*(?![\w*])/g, '$1')
    .replaceAll(/`{1,3}([^`]+)`{1,3}/g, '$1')
    // Cut off before its end.
    .replaceAll(/\*\*(?=\S)|`{3}\w*/g, '')
