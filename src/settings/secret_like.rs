//! Names and values that look like those of a secret. `config.json` and links must not contain any.
//!
//! This is a guess in favour of caution: a setting whose name looks like that of a secret is refused
//! whatever its value is.

/// Settings whose names contain a word of a secret, and whose values are none; in lower case, letters
/// and digits only.
const NOT_SECRET: [&str; 9] = [
    "tokenheader",
    "needskey",
    "honoursidempotencykeys",
    "maxoutputtokens",
    "tokenlimit",
    "firsttokentimeoutseconds",
    "secretspath",
    "apikeyfield",
    "agenttokenfield",
];

/// Parts of a name that suggest a secret wherever they occur.
const SECRET_PARTS: [&str; 13] = [
    "token",
    "secret",
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "apikey",
    "accesskey",
    "privatekey",
    "signingkey",
    "authorization",
    "credential",
    "bearer",
];

/// Words that suggest a secret as the whole name or as one of its words, but occur inside harmless
/// words such as `author` or `bypass`.
const SECRET_WORDS: [&str; 12] = [
    "auth",
    "cookie",
    "jwt",
    "oauth",
    "pass",
    "pat",
    "pin",
    "private",
    "pwd",
    "sas",
    "sig",
    "signature",
];

/// Whether the name of a setting suggests a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let joined: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if NOT_SECRET.contains(&joined.as_str()) {
        return false;
    }
    let words = words(name);
    SECRET_PARTS.iter().any(|part| joined.contains(part))
        || words.iter().any(|word| SECRET_WORDS.contains(&word.as_str()))
        // `db_key` is a key, `key_header` is not.
        || words.last().is_some_and(|word| word == "key")
}

/// The words of a name in `snake_case`, `kebab-case` or `camelCase`, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut previous_is_lower = false;
    for character in name.chars() {
        let starts_word = character.is_ascii_uppercase() && previous_is_lower;
        if !character.is_ascii_alphanumeric() || starts_word {
            words.push(String::new());
        }
        if let (true, Some(word)) = (character.is_ascii_alphanumeric(), words.last_mut()) {
            word.push(character.to_ascii_lowercase());
        }
        previous_is_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
    }
    words
}

/// How known secrets begin, and the length from which a word that begins like this is one.
const SECRET_PREFIXES: [(&str, usize); 28] = [
    ("sk-", 20),
    ("sk_live_", 16),
    ("sk_test_", 16),
    ("rk_live_", 16),
    ("pk-", 20),
    ("gsk_", 16),
    ("xai-", 20),
    ("hf_", 16),
    ("r8_", 20),
    ("ghp_", 16),
    ("gho_", 16),
    ("ghu_", 16),
    ("ghs_", 16),
    ("ghr_", 16),
    ("github_pat_", 20),
    ("glpat-", 16),
    ("npm_", 20),
    ("AIza", 20),
    ("ya29.", 20),
    ("AKIA", 20),
    ("ASIA", 20),
    ("hvs.", 16),
    ("hvb.", 16),
    ("hvr.", 16),
    ("xoxb-", 12),
    ("xoxp-", 12),
    ("xoxa-", 12),
    ("xapp-", 12),
];

/// Whether a value is, or contains, what looks like a secret.
pub(crate) fn is_secret_value(text: &str) -> bool {
    if text.contains("PRIVATE KEY-----") {
        return true;
    }
    let mut words = text
        .split(|c: char| c.is_whitespace() || "\"'`“”<>()[]{},;=&?#".contains(c))
        .filter(|word| !word.is_empty())
        .peekable();
    let begins_with_scheme = text.starts_with("Bearer ");
    while let Some(word) = words.next() {
        // After a name, such as `Authorization:Bearer`.
        let word = word.rsplit_once(':').map_or(word, |(_, value)| value);
        let is_known = word.split('/').any(has_secret_prefix);
        let is_scheme = ["bearer", "basic"].contains(&word.to_ascii_lowercase().as_str());
        let follows_scheme = is_scheme && words.peek().is_some_and(|next| looks_random(next));
        if is_known || follows_scheme || is_json_web_token(word) {
            return true;
        }
    }
    begins_with_scheme
}

fn has_secret_prefix(word: &str) -> bool {
    // A Vault token of the old form, not a host whose name starts with `s.`.
    let is_old_vault_token = word.len() >= 20
        && word
            .strip_prefix("s.")
            .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    is_old_vault_token
        || SECRET_PREFIXES
            .iter()
            .any(|(prefix, length)| word.starts_with(prefix) && word.len() >= *length)
}

/// Whether a word looks like a token and not like prose: at least eight characters of a token's
/// alphabet, with a digit or a capital letter inside.
pub(crate) fn looks_random(word: &str) -> bool {
    let is_token_byte = |byte: u8| {
        byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+' | b'/' | b'~')
    };
    word.len() >= 8
        && word.bytes().all(is_token_byte)
        && word
            .bytes()
            .skip(1)
            .any(|byte| byte.is_ascii_digit() || byte.is_ascii_uppercase())
}

/// Whether a word is a JSON Web Token (RFC 7519): three parts in base64, the first of which starts with
/// `{"`.
fn is_json_web_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() >= 20 && word.split('.').count() == 3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for name in [
            "AGENT_API_TOKEN",
            "apiKey",
            "api-key",
            "key",
            "pass",
            "db_pass",
            "account-key",
            "pwd",
            "auth",
            "X-Auth",
            "jwt",
            "userCredentials",
            "private",
            "privateKey",
            "access_token",
            "Authorization",
            "cookie",
            "clientSecret",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in [
            "token_header",
            "needs_key",
            "honours_idempotency_keys",
            "max_output_tokens",
            "token_limit",
            "secrets_path",
            "key_header",
            "author",
            "bypass",
            "monkey",
            "passthrough",
            "path",
            "dry-run",
            "",
        ] {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn values_that_are_secrets_are_recognised_also_inside_text() {
        for value in [
            "sk-hunter2-0123456789abcdef",
            "gsk_0123456789abcdef",
            "ghp_0123456789abcdef",
            "AIzaSyA0123456789abcdef",
            "hvs.CAESIJ0123456789",
            "s.0123456789abcdefABCDEF",
            "xoxb-0123-4567-abc",
            "Bearer hunter2",
            "Basic dXNlcjpodW50ZXIy",
            "Basic dXNlcjpwYXNzd29yZA==",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "Ask for the key (sk-hunter2-0123456789abcdef) if you need it",
            "Authorization:Bearer abcDEF123456",
            "https://a.example/?k=ghp_0123456789abcdef",
            "-----BEGIN PRIVATE KEY-----",
        ] {
            assert!(is_secret_value(value), "{value}");
        }
        for value in [
            "",
            "Hello",
            "Basic setup instructions",
            "the bearer of this letter",
            "sk-short",
            "s.a",
            "s.some-long-name.example.com",
            "https://api.example.com/v1",
            "secret/data/agent",
            "gpt-5.1-codex-max-2026-01-01",
        ] {
            assert!(!is_secret_value(value), "{value}");
        }
    }
}
