//! Recognises the formats of JSON Schema (2020-12 validation, section 7.3) in example values.
//!
//! Each test is stricter than the format, so that a value that passes is valid by the format as well.

/// The formats that are recognised.
pub(super) const FORMATS: [&str; 5] = ["date-time", "date", "uuid", "email", "uri"];

/// Whether `text` has the format.
pub(super) fn has_format(text: &str, format: &str) -> bool {
    match format {
        "date-time" => is_date_time(text),
        "date" => is_date(text),
        "uuid" => text.len() == 36 && uuid::Uuid::try_parse(text).is_ok(),
        "email" => is_email(text),
        "uri" => is_uri(text),
        _ => false,
    }
}

/// `2026-11-30` (RFC 3339, `full-date`).
fn is_date(text: &str) -> bool {
    let mut parts = text.split('-');
    let (Some(year), Some(month), Some(day), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return false;
    };
    let (Some(year), Some(month), Some(day)) = (number(year, 4), number(month, 2), number(day, 2))
    else {
        return false;
    };
    let is_leap_year = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if is_leap_year => 29,
        2 => 28,
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// `2026-11-30T16:00:00Z` (RFC 3339, `date-time`), without leap seconds.
fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_once('T') else {
        return false;
    };
    let (time, offset) = match time.strip_suffix('Z') {
        Some(time) => (time, None),
        None => match time.rsplit_once(['+', '-']) {
            Some((time, offset)) => (time, Some(offset)),
            None => return false,
        },
    };
    let (whole, fraction) = match time.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (time, None),
    };
    let is_fraction = |text: &str| {
        (1..=9).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    is_date(date)
        && are_numbers(whole, &[23, 59, 59])
        && fraction.is_none_or(is_fraction)
        && offset.is_none_or(|offset| are_numbers(offset, &[23, 59]))
}

/// Whether a text is two-digit numbers with colons between them, each up to its limit.
fn are_numbers(text: &str, limits: &[u32]) -> bool {
    let parts: Vec<&str> = text.split(':').collect();
    parts.len() == limits.len()
        && parts
            .iter()
            .zip(limits)
            .all(|(part, limit)| number(part, 2).is_some_and(|number| number <= *limit))
}

/// A number of exactly this many digits.
fn number(text: &str, digits: usize) -> Option<u32> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok()).flatten()
}

fn is_email(text: &str) -> bool {
    let Some((name, host)) = text.split_once('@') else {
        return false;
    };
    let is_name = (1..=64).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-+.".contains(&byte))
        && !name.starts_with('.')
        && !name.ends_with('.')
        && !name.contains("..");
    is_name && host.contains('.') && is_host(host)
}

/// A host name of letters, digits and hyphens whose last label begins with a letter.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label.get(2..4) != Some("--")
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    host.len() <= 200
        && host.split('.').all(is_label)
        && last.starts_with(|c: char| c.is_ascii_alphabetic())
}

/// An absolute `http` or `https` address (RFC 3986).
fn is_uri(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let Some(rest) = rest else {
        return false;
    };
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let Some((host, path)) = rest.split_at_checked(end) else {
        return false;
    };
    let (host, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = (1..=5).contains(&port.len()) && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain =
        |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&byte);
    let (before, fragment) = path.split_once('#').unwrap_or((path, ""));
    is_host(host) && is_port && before.bytes().all(is_plain) && fragment.bytes().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_recognised_in_usual_values_only() {
        for (format, valid, invalid) in [
            ("date", "2024-02-29", "2023-02-29"),
            ("date", "2026-11-30", "2026-13-01"),
            ("date", "2026-01-01", "26-1-1"),
            ("date-time", "2026-11-30T16:00:00Z", "2026-11-30 16:00:00"),
            (
                "date-time",
                "2026-11-30T16:00:00.123+01:00",
                "2026-11-30T24:00:00Z",
            ),
            (
                "date-time",
                "2026-11-30T16:00:00-05:30",
                "2026-11-30T16:00Z",
            ),
            (
                "uuid",
                "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                "3f2504e04f8941d39a0c0305e82c3301",
            ),
            ("email", "ada.l@example.com", "ada@"),
            ("email", "a+b@example.co.uk", "Ada <ada@example.com>"),
            ("uri", "https://example.com/a?b=c#d", "example.com/a"),
            ("uri", "http://example.com:8080", "https://exa mple.com"),
        ] {
            assert!(has_format(valid, format), "{valid} is a {format}");
            assert!(!has_format(invalid, format), "{invalid} is no {format}");
        }
    }
}
