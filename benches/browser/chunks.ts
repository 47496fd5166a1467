// An answer as Chat Completions streams it.

/** The pieces of a text, each of `size` characters; no character is cut in two. */
export function pieces(text: string, size: number): string[] {
  const characters = Array.from(text);
  const cut: string[] = [];
  for (let at = 0; at < characters.length; at += size) {
    cut.push(characters.slice(at, at + size).join(""));
  }
  return cut;
}

const HEAD =
  '{"id":"chatcmpl-CkZ3vXqPm7RtYw2LdNf8Hs5Gb1Ja","object":"chat.completion.chunk",' +
  '"created":1795400000,"model":"gpt-5-mini-2026-08-07","service_tier":"default",' +
  '"system_fingerprint":"fp_5c1d0e9a7b","choices":[';
const NOISE = "x8KdQm2PzR7w";

/** A body in which every event has a part of the text, and where each event ends. */
export interface Body {
  bytes: Uint8Array;
  /** For each event, the offset of the byte after it. */
  ends: number[];
}

/**
 * The whole body of an answer in pieces, with the members that the public service sends, noise of
 * changing length included; then the reason for the end, the usage and `[DONE]`.
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
  // At most three bytes for each UTF-16 unit.
  const bytes = new Uint8Array(3 * events.reduce((length, event) => length + event.length, 0));
  let length = 0;
  for (const event of events) {
    length += encoder.encodeInto(event, bytes.subarray(length)).written;
    ends.push(length);
  }
  return { bytes: bytes.slice(0, length), ends };
}

/** The body cut as a network reads it: in reads of `size` bytes, wherever they end. */
export function reads(body: Body, size: number): Uint8Array[] {
  const cut: Uint8Array[] = [];
  for (let at = 0; at < body.bytes.length; at += size) {
    cut.push(body.bytes.subarray(at, at + size));
  }
  return cut;
}

/** The body cut as a slow model sends it: one event in each read. */
export function oneByOne(body: Body): Uint8Array[] {
  return body.ends.map((end, index) => body.bytes.subarray(body.ends[index - 1] ?? 0, end));
}
