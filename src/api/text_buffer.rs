//! Strings from JavaScript, one after the other, copied into memory that is used again.

use js_sys::JsString;
use wasm_bindgen::prelude::*;

/// Memory that is kept, in bytes: enough for nearly all texts.
const KEPT_BYTES: usize = 64 << 10;

/// No character of UTF-8 takes more bytes, so that one that does not fit leaves fewer than this.
const LONGEST_CHARACTER: usize = 4;

#[wasm_bindgen]
extern "C" {
    /// `TextEncoder` of the Encoding standard.
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

/// The memory, and what fills it.
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
    /// The characters of a string. `None` for what is no string, and for a string that holds
    /// U+FFFD: half of a surrogate pair becomes it on the way here, and the two cannot be told
    /// apart any more.
    pub fn fill(&mut self, value: &JsValue) -> Option<&str> {
        let source: &JsString = value.dyn_ref()?;
        let mut written = self.write(source)?;
        if self.may_lack(written) {
            let units = usize::try_from(source.length()).ok()?;
            // Hardly more than a byte for each unit of UTF-16, as in most texts; three at most.
            for most in [units + units / 8, 3 * units] {
                self.bytes.resize(most + LONGEST_CHARACTER, 0);
                written = self.write(source)?;
                if !self.may_lack(written) {
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

    /// Whether there may have been too little room for what was written.
    fn may_lack(&self, written: usize) -> bool {
        written + LONGEST_CHARACTER > self.bytes.len()
    }

    /// Writes what fits; returns how many bytes that is.
    fn write(&mut self, source: &JsString) -> Option<usize> {
        let written = self.encoder.encode_into(source, &mut self.bytes).written();
        usize::try_from(written).ok()
    }

    /// Keeps no more memory than common tasks need.
    pub fn give_back_much(&mut self) {
        if self.bytes.len() > KEPT_BYTES {
            self.bytes.truncate(KEPT_BYTES);
            self.bytes.shrink_to_fit();
        }
    }
}
