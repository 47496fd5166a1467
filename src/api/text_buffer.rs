//! A reusable buffer for strings from JavaScript.

use js_sys::JsString;
use wasm_bindgen::prelude::*;

/// Size that is kept between strings, in bytes: enough for nearly all texts.
const KEPT_BYTES: usize = 64 << 10;

/// Longest UTF-8 encoding of a character, in bytes. `encodeInto` stops before a character that does
/// not fit, so it leaves fewer bytes than this unused.
const LONGEST_CHARACTER: usize = 4;

#[wasm_bindgen]
extern "C" {
    /// `TextEncoder` of the Encoding Standard.
    type TextEncoder;

    #[wasm_bindgen(constructor)]
    fn new() -> TextEncoder;

    #[wasm_bindgen(method, js_name = encodeInto)]
    fn encode_into(this: &TextEncoder, source: &JsString, destination: &mut [u8]) -> Encoded;

    /// `TextEncoderEncodeIntoResult`.
    type Encoded;

    #[wasm_bindgen(method, getter)]
    fn written(this: &Encoded) -> u32;
}

/// The buffer and the encoder that fills it.
pub struct TextBuffer {
    encoder: TextEncoder,
    bytes: Vec<u8>,
}

impl Default for TextBuffer {
    fn default() -> Self {
        TextBuffer {
            encoder: TextEncoder::new(),
            bytes: vec![0; KEPT_BYTES],
        }
    }
}

impl TextBuffer {
    /// Copies a string and returns it. `None` for any other value, and for a string with U+FFFD: the
    /// encoder replaces lone surrogates by it, so that the two cannot be distinguished here.
    pub fn fill(&mut self, value: &JsValue) -> Option<&str> {
        let source: &JsString = value.dyn_ref()?;
        let mut written = self.write(source)?;
        if self.may_be_truncated(written) {
            let units = usize::try_from(source.length()).ok()?;
            // Most texts need little more than one byte per UTF-16 code unit; none needs more than
            // three.
            for capacity in [units + units / 8, 3 * units] {
                self.bytes.resize(capacity + LONGEST_CHARACTER, 0);
                written = self.write(source)?;
                if !self.may_be_truncated(written) {
                    break;
                }
            }
        }
        let bytes = self.bytes.get(..written)?;
        let replacement = "\u{FFFD}".as_bytes();
        let is_replaced = memchr::memchr_iter(0xEF, bytes).any(|at| {
            bytes
                .get(at..)
                .is_some_and(|rest| rest.starts_with(replacement))
        });
        if is_replaced {
            return None;
        }
        simdutf8::basic::from_utf8(bytes).ok()
    }

    /// Whether the buffer may have been too small for the string.
    fn may_be_truncated(&self, written: usize) -> bool {
        written + LONGEST_CHARACTER > self.bytes.len()
    }

    /// Encodes as much as fits and returns the number of bytes.
    fn write(&mut self, source: &JsString) -> Option<usize> {
        let written = self.encoder.encode_into(source, &mut self.bytes).written();
        usize::try_from(written).ok()
    }

    /// Releases the memory of an unusually long string.
    pub fn shrink(&mut self) {
        if self.bytes.len() > KEPT_BYTES {
            self.bytes.truncate(KEPT_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}
