//! A request as a `curl` command.

use super::{HeaderValue, HttpRequest};

/// Formats the request as a command for a POSIX shell, with a variable such as
/// `$OPENAI_API_KEY` in place of each secret.
#[must_use]
pub fn as_curl(request: &HttpRequest) -> String {
    let mut command = format!("curl --no-buffer {}", shell_quote(&request.url));
    for (name, value) in &request.headers {
        let header = match value {
            HeaderValue::Plain(value) => shell_quote(&format!("{name}: {value}")),
            // Only the variable is in double quotes, so that the shell expands it and nothing else.
            HeaderValue::Secret { prefix, slot } => format!(
                "{}\"${{{}}}\"",
                shell_quote(&format!("{name}: {prefix}")),
                slot.variable()
            ),
        };
        command.push_str(&format!(" \\\n  --header {header}"));
    }
    if let Some(body) = &request.body {
        // Unlike `--data`, `--data-raw` does not read a file if the text begins with @.
        command.push_str(&format!(" \\\n  --data-raw {}", shell_quote(body)));
    }
    command.push('\n');
    command
}

/// Quotes a word for a POSIX shell (XCU, section 2.2.2): everything between single quotes is literal.
fn shell_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::SecretSlot;

    fn request() -> HttpRequest {
        HttpRequest::post_json(
            "https://api.example.com/v1?a='b'",
            "{\"text\": \"It's \\ `id` !! %s \u{1F600} ''\t*\"}",
        )
        .header(
            "Authorization",
            HeaderValue::Secret {
                prefix: "Bearer ".into(),
                slot: SecretSlot::API_KEY,
            },
        )
    }

    #[test]
    fn the_command_is_quoted_for_a_shell() {
        let command = as_curl(&request());
        let start = r"curl --no-buffer 'https://api.example.com/v1?a='\''b'\'''";
        assert!(command.starts_with(start), "{command}");
        assert!(command.contains(r#"--header 'Authorization: Bearer '"${OPENAI_API_KEY}""#));
        assert!(command.contains(r"It'\''s"));
    }

    #[cfg(unix)]
    #[test]
    fn a_real_shell_passes_the_exact_bytes_of_the_body() {
        let request = request();
        // In place of curl: a function that prints its last argument.
        let script = format!(
            "curl() {{ for last; do :; done; printf %s \"$last\"; }}\n{}",
            as_curl(&request)
        );
        let output = std::process::Command::new("sh")
            .args(["-c", &script])
            .output()
            .unwrap();
        assert_eq!(
            String::from_utf8(output.stdout).ok().as_deref(),
            request.body.as_deref()
        );
    }
}
