// A response as the Chat Completions API streams it.

/** Splits a text into pieces of `size` characters; never splits a character. */
export function pieces(text: string, size: number): string[] {
  const characters = Array.from(text);
  const split: string[] = [];
  for (let at = 0; at < characters.length; at += size) {
    split.push(characters.slice(at, at + size).join(""));
  }
  return split;
}

const HEAD =
  '{"id":"chatcmpl-CkZ3vXqPm7RtYw2LdNf8Hs5Gb1Ja","object":"chat.completion.chunk",' +
  '"created":1795400000,"model":"gpt-5-mini-2026-08-07","service_tier":"default",' +
  '"system_fingerprint":"fp_5c1d0e9a7b","choices":[';
const NOISE = "x8KdQm2PzR7w";

/** The body of a response, in which each event has a piece of the text. */
export interface Body {
  bytes: Uint8Array;
  /** The end offset of each event. */
  ends: number[];
}

/**
 * The complete body of a response, one event per piece, with the members that the public service
 * sends, including obfuscation of varying length; then finish reason, usage and `[DONE]`.
 */
export function chatCompletions(pieces: string[]): Body {
  const encoder = new TextEncoder();
  const event = (delta: object, index: number, finish: string | null): string =>
    `data: ${HEAD}${JSON.stringify({ index: 0, delta, logprobs: null, finish_reason: finish })}],` +
    `"usage":null,"obfuscation":"${NOISE.slice(0, 1 + (index % NOISE.length))}"}\n\n`;
  const events = [
    event({ role: "assistant", content: "", refusal: null }, 0, null),
    ...pieces.map((content, index) => event({ content }, index, null)),
    event({}, 0, "stop"),
    `data: ${HEAD}],"usage":{"prompt_tokens":900,"completion_tokens":${pieces.length},` +
      `"total_tokens":${900 + pieces.length}}}\n\n`,
    "data: [DONE]\n\n",
  ];
  const ends: number[] = [];
  // At most three bytes per UTF-16 code unit.
  const bytes = new Uint8Array(3 * events.reduce((length, event) => length + event.length, 0));
  let length = 0;
  for (const event of events) {
    length += encoder.encodeInto(event, bytes.subarray(length)).written;
    ends.push(length);
  }
  return { bytes: bytes.slice(0, length), ends };
}

/** The body split as a fast network delivers it: into reads of `size` bytes, at any offset. */
export function reads(body: Body, size: number): Uint8Array[] {
  const split: Uint8Array[] = [];
  for (let at = 0; at < body.bytes.length; at += size) {
    split.push(body.bytes.subarray(at, at + size));
  }
  return split;
}

/** The body split as a slow model sends it: one event per read. */
export function eventByEvent(body: Body): Uint8Array[] {
  return body.ends.map((end, index) => body.bytes.subarray(body.ends[index - 1] ?? 0, end));
}
