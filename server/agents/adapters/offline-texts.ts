/** What the offline agent has to say; plain words, kept apart from the rules that choose among them. */

export const introduction =
  'I am the **offline agent that is built into Skein**: a small program with fixed rules, *not a language model*. ' +
  'I need no network and no key, so that you can try everything here at once.'

export const about = `**Skein** is a chat that belongs to you.

- **Local first.** Every conversation is kept on your device; you can read and write without a network, and it catches up by itself.
- **One order everywhere.** Your devices, and everybody you invite, see the same messages in the same order.
- **Nothing is lost.** A message is marked as saved only when it is on the server's disk.
- **Replies survive.** A reply that is being written goes on when you reload, or when the server restarts.

Type \`help\` to see what you can try with me.`

export const help = `You can try these here:

| You type | What happens |
|---|---|
| \`hello\` | I greet you |
| \`what is Skein?\` | I explain it in a few lines |
| \`/markdown\` | a sample of everything that a reply can look like |
| \`/long 300\` | a reply of 300 words; press *Stop* while it runs, or reload the page |
| \`/slow\` | a reply that takes its time |
| \`/error\` | a reply that fails, so that you see how that looks |
| \`/echo some text\` | your text as a quotation, with its counts |
| \`12 * (3 + 4)\` | simple arithmetic |
| \`what did I say?\` | what you wrote before |
| \`what time is it?\` | when the server received your message |

Then open this conversation in a second window, or cut your network and keep writing.`

export const connect = `To talk with a real language model, start the server with one:

\`\`\`sh
OPENAI_API_KEY=sk-… SKEIN_MODEL=gpt-5-mini npm start
\`\`\`

For anything else that speaks the same protocol (OpenRouter, Ollama, …) set \`OPENAI_BASE_URL\` too.`

/** @param names at least one */
export const askModels = (names: readonly string[]): string =>
  `${names.length === 1 ? 'A language model answers' : 'Language models answer'} here, too: choose ${names.length === 1 ? 'it' : 'one'} below the field ` +
  `in which you write, or ask by name: ${names.map(name => `\`@${name}\``).join(', ')}`

export const markdownSample = `# A heading

Text can be **bold**, *italic*, ~~struck out~~ or \`code\`, and it may hold a [link](https://yjs.dev).

## Lists

- one point
- another point
  - with a point below it
1. first
2. second

- [x] done
- [ ] still to do

## A table

| Name | Kind | Count |
|:-----|:----:|------:|
| messages | sealed | 120 |
| drafts | live | 2 |

## Code

\`\`\`ts
const greet = (name: string): string => \`Hello, \${name}\`
console.log(greet('Skein'))
\`\`\`

> What has been said is sealed,
> what is being written is live.

---

That is all of it.`

export const slowText =
  'This reply takes its time. Every word comes alone, so that you can watch it arrive, stop it, reload the page in the middle of it, ' +
  'or look at it on another device at the same moment. Nothing of what you have seen so far will get lost.'

export const longPassage =
  'A skein is a length of yarn that is wound loosely so that it does not tangle. Many threads lie side by side and each of them can be ' +
  'followed from its beginning to its end. A conversation is like that when several people write at once and none of them has to wait for ' +
  'the others. What has been said stays as it was said. What is being written is shared while it grows. What somebody wants is kept until ' +
  'it can be done even if that takes until the next network.'
