//! The forms in which a secret may appear in text, apart from escapes: as it is, without its scheme,
//! form-encoded, in base64 (RFC 4648, both alphabets) and in hexadecimal.

use zeroize::Zeroizing;

use super::SecretSlot;

/// A shorter secret is found only as a whole word, because it may occur inside ordinary words.
pub(super) const MIN_BYTES_ANYWHERE: usize = 8;

/// A shorter secret is not looked for in tasks, and not in encoded form: it may be an ordinary word.
const MIN_BYTES_IN_TASKS: usize = 4;

/// One form of one secret. The bytes are overwritten when it is dropped.
pub(super) struct Form {
    /// The slot of the secret.
    pub slot: SecretSlot,
    /// The form itself; in lower case if `ignores_case`.
    pub bytes: Zeroizing<Vec<u8>>,
    /// For each prefix of the form, the length of the longest proper prefix that it ends with.
    borders: Vec<usize>,
    /// Whether upper and lower case are the same, as in hexadecimal.
    pub ignores_case: bool,
    /// Whether it is found as a whole word only.
    pub whole_word: bool,
    /// Whether a task must not contain it.
    pub is_barred_from_tasks: bool,
}

impl Form {
    fn new(slot: &SecretSlot, bytes: Vec<u8>, secret_bytes: usize, ignores_case: bool) -> Form {
        let bytes = Zeroizing::new(bytes);
        Form {
            slot: slot.clone(),
            borders: borders(&bytes),
            bytes,
            ignores_case,
            whole_word: secret_bytes < MIN_BYTES_ANYWHERE,
            is_barred_from_tasks: secret_bytes >= MIN_BYTES_IN_TASKS,
        }
    }

    /// The smallest distance of two occurrences.
    pub fn period(&self) -> usize {
        let border = self.borders.last().copied().unwrap_or_default();
        (self.bytes.len() - border).max(1)
    }

    /// The length of the longest proper prefix of the form that `text` ends with. Examines no more of
    /// the text than the form is long.
    pub fn prefix_at_end(&self, text: &[u8]) -> usize {
        let tail = text.len().saturating_sub(self.bytes.len() - 1);
        let mut matched = 0;
        for byte in text.get(tail..).unwrap_or_default() {
            while matched > 0 && self.bytes.get(matched) != Some(byte) {
                matched = matched
                    .checked_sub(1)
                    .and_then(|last| self.borders.get(last).copied())
                    .unwrap_or_default();
            }
            if self.bytes.get(matched) == Some(byte) {
                matched += 1;
            }
        }
        matched
    }
}

/// The failure function of Knuth, Morris and Pratt.
fn borders(bytes: &[u8]) -> Vec<usize> {
    let mut borders: Vec<usize> = Vec::with_capacity(bytes.len());
    let mut matched = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            while matched > 0 && bytes.get(matched) != Some(byte) {
                matched = borders.get(matched - 1).copied().unwrap_or_default();
            }
            if bytes.get(matched) == Some(byte) {
                matched += 1;
            }
        }
        borders.push(matched);
    }
    borders
}

/// Adds all forms of a secret, without duplicates.
pub(super) fn add_forms(slot: &SecretSlot, value: &str, forms: &mut Vec<Form>) {
    // `Bearer abc` may be repeated without its scheme.
    let credentials = value.split_once(' ').map(|(_, rest)| rest.trim_start());
    for part in [Some(value), credentials].into_iter().flatten() {
        if part.is_empty() {
            continue;
        }
        let mut add = |bytes: Vec<u8>, ignores_case| {
            let is_known = |form: &Form| *form.bytes == bytes && form.slot == *slot;
            if !forms.iter().any(is_known) {
                forms.push(Form::new(slot, bytes, part.len(), ignores_case));
            }
        };
        add(part.as_bytes().to_vec(), false);
        if part.contains(' ') {
            add(part.replace(' ', "+").into_bytes(), false);
        }
        if part.len() >= MIN_BYTES_IN_TASKS {
            add(base64(part.as_bytes(), b'+', b'/'), false);
            add(base64(part.as_bytes(), b'-', b'_'), false);
            add(hexadecimal(part.as_bytes()), true);
        }
    }
}

/// Base64 without padding, with these last two characters of the alphabet.
fn base64(bytes: &[u8], plus: u8, slash: u8) -> Vec<u8> {
    let character = |value: u32| match u8::try_from(value & 63).unwrap_or_default() {
        value @ 0..=25 => b'A' + value,
        value @ 26..=51 => b'a' + (value - 26),
        value @ 52..=61 => b'0' + (value - 52),
        62 => plus,
        _ => slash,
    };
    let mut text = Vec::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        let characters = [18, 12, 6, 0].map(|shift| character(bits >> shift));
        text.extend_from_slice(characters.get(..chunk.len() + 1).unwrap_or(&characters));
    }
    text
}

/// Lower-case hexadecimal.
fn hexadecimal(bytes: &[u8]) -> Vec<u8> {
    let digit = |value: u8| match value {
        0..=9 => b'0' + value,
        _ => b'a' + (value - 10),
    };
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forms(value: &str) -> Vec<String> {
        let mut forms = Vec::new();
        add_forms(&SecretSlot::API_KEY, value, &mut forms);
        forms
            .iter()
            .map(|form| String::from_utf8(form.bytes.to_vec()).unwrap())
            .collect()
    }

    #[test]
    fn a_secret_has_a_form_in_each_encoding() {
        assert_eq!(
            forms("sk-hunter2?>~"),
            [
                "sk-hunter2?>~",
                "c2staHVudGVyMj8+fg",
                "c2staHVudGVyMj8-fg",
                "736b2d68756e746572323f3e7e"
            ]
        );
        assert_eq!(
            forms("hunter22"),
            ["hunter22", "aHVudGVyMjI", "68756e7465723232"],
            "both kinds of Base64 are the same"
        );
        assert_eq!(forms("abc"), ["abc"], "too short to be looked for encoded");
    }

    #[test]
    fn a_secret_with_a_scheme_is_also_found_without_it() {
        let forms = forms("Bearer hunter2");
        for form in [
            "Bearer hunter2",
            "Bearer+hunter2",
            "QmVhcmVyIGh1bnRlcjI",
            "hunter2",
            "aHVudGVyMg",
        ] {
            assert!(forms.iter().any(|found| found == form), "{form}");
        }
    }

    #[test]
    fn the_end_of_a_text_is_compared_with_the_start_of_a_form() {
        let form = Form::new(&SecretSlot::API_KEY, b"ababc".to_vec(), 5, false);
        for (text, length) in [
            ("", 0),
            ("x", 0),
            ("xa", 1),
            ("xaba", 3),
            ("ababab", 4),
            ("abab", 4),
            ("ababx", 0),
        ] {
            assert_eq!(form.prefix_at_end(text.as_bytes()), length, "{text}");
        }
        assert_eq!(form.period(), 5);
        let periodic = Form::new(&SecretSlot::API_KEY, b"abab".to_vec(), 4, false);
        assert_eq!(periodic.period(), 2);
    }
}
