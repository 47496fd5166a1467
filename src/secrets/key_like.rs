//! Texts of the brief that look like a key, whether or not it is held. The page points them out and
//! blocks nothing.

use crate::brief::BriefForm;
use crate::settings::secret_like::is_secret_value;

/// The labels of the texts of a brief that contain what looks like a key, a token or a private key.
#[must_use]
pub fn key_like_texts(brief: &BriefForm) -> Vec<String> {
    let texts = [
        ("goal", &brief.goal),
        ("context", &brief.context),
        ("extra rules", &brief.rules),
    ];
    texts
        .into_iter()
        .filter(|(_, text)| is_secret_value(text))
        .map(|(label, _)| label.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_with_a_key_is_named() {
        for key in [
            "sk-hunter2-0123456789abcdef",
            "hvs.CAESIJ0123456789",
            "ghp_0123456789abcdef",
            "AKIAIOSFODNN7EXAMPLE",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "-----BEGIN RSA PRIVATE KEY-----",
        ] {
            let brief = BriefForm {
                goal: "Ship it, and ask Ann for the key".to_owned(),
                context: format!("The key is “{key}”."),
                rules: format!("Use {key}\nand nothing else"),
                ..BriefForm::default()
            };
            assert_eq!(key_like_texts(&brief), ["context", "extra rules"], "{key}");
        }
        assert!(key_like_texts(&BriefForm::default()).is_empty());
    }
}
