//! Reading a pasted text and describing what was read.

use taskwright::paste::{PastedRequest, Recognized, TokenValue, recognize};

/// The request that a text is read as.
pub fn request(text: &str) -> PastedRequest {
    match recognize(text) {
        Recognized::Request(request) => *request,
        other => panic!("{text}\nis no request: {other:?}"),
    }
}

/// A request in one line: method, URL, headers, tokens and body.
pub fn described(text: &str) -> String {
    let request = request(text);
    let address = match &request.url.address {
        Ok(address) => address.to_string(),
        Err(error) => format!("[{}]", error.code()),
    };
    let mut line = format!("{} {address}{}", request.method, request.url.path);
    for (at, (name, value)) in request.url.query.iter().enumerate() {
        let separator = if at == 0 { '?' } else { '&' };
        line.push_str(&format!("{separator}{name}={value}"));
    }
    for (name, value) in &request.headers {
        line.push_str(&format!(" | {name}: {value}"));
    }
    for token in &request.tokens {
        let value = match &token.value {
            TokenValue::Given(secret) => {
                let address = request.url.address.as_ref().unwrap();
                format!("={}", secret.reveal_to(address).unwrap())
            }
            TokenValue::Missing { variable } => {
                format!(" missing {}", variable.as_deref().unwrap_or("-"))
            }
            TokenValue::WithoutAddress => " without address".to_owned(),
            TokenValue::Invalid(error) => format!(" {}", error.code()),
        };
        let scheme = token.form.scheme.as_deref().unwrap_or_default();
        let gap = if scheme.is_empty() { "" } else { " " };
        let name = token.form.place.name();
        line.push_str(&format!(" | <{name}>{gap}{scheme}{value}"));
    }
    if let Some(body) = &request.body {
        line.push_str(&format!(" | {}", body.text()));
    }
    line
}

/// Asserts for each pair that the text is read as described.
pub fn assert_reads(table: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in table {
        let found = described(text);
        if found != *expected {
            wrong.push(format!("{text}\nis read as {found}\nand not as {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// The notices of a request, one in a line.
pub fn notices(text: &str) -> String {
    let notices = request(text).notices;
    let lines: Vec<String> = notices.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
