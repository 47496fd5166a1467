//! Times as text.

use std::time::{Duration, UNIX_EPOCH};

/// The first millisecond of the year 10000, which RFC 3339 cannot represent.
const TOO_LATE: u64 = 253_402_300_800_000;

/// Formats a time in milliseconds since 1970 as RFC 3339, in UTC with milliseconds. `None` beyond
/// the year 9999.
#[must_use]
pub fn rfc3339(milliseconds: u64) -> Option<String> {
    (milliseconds < TOO_LATE).then(|| {
        let time = UNIX_EPOCH + Duration::from_millis(milliseconds);
        humantime::format_rfc3339_millis(time).to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_formatted_in_utc_with_milliseconds() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (TOO_LATE - 1, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(milliseconds).as_deref(), Some(text));
        }
        assert_eq!(rfc3339(TOO_LATE), None);
        assert_eq!(rfc3339(u64::MAX), None);
    }
}
