//! SHA-256 digests and their fingerprints.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 digest (FIPS 180-4) of `bytes` in lower-case hexadecimal.
#[must_use]
pub fn sha256_hex(bytes: &[u8]) -> String {
    format!("{:x}", Sha256::digest(bytes))
}

/// The first 16 hexadecimal digits of a digest, in groups of four, for visual comparison.
#[must_use]
pub fn fingerprint(digest: &str) -> String {
    let mut text = String::with_capacity(19);
    for (at, digit) in digest.chars().take(16).enumerate() {
        if at > 0 && at % 4 == 0 {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_sha_256() {
        assert_eq!(
            sha256_hex(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }

    #[test]
    fn a_fingerprint_is_at_most_sixteen_digits_in_groups_of_four() {
        assert_eq!(fingerprint("7f3a90c144de1b02ffff"), "7f3a 90c1 44de 1b02");
        assert_eq!(fingerprint(""), "");
        assert_eq!(fingerprint("é"), "é");
    }
}
