//! Parses the `Retry-After` header (RFC 9110, section 10.2.3).

/// The delay that a `Retry-After` value asks for, in milliseconds from `now_ms` (milliseconds since
/// 1970). The value is a number of seconds, or an HTTP date in one of the three forms of RFC 9110,
/// section 5.6.7. A past date means no delay. Seconds may have a fraction, as some gateways send
/// them. Returns `None` for anything else. The delay is not bounded.
#[must_use]
pub fn retry_after(value: &str, now_ms: u64) -> Option<u64> {
    let value = value.trim_matches([' ', '\t']);
    seconds(value).or_else(|| Some(http_date(value)?.saturating_sub(now_ms)))
}

/// Parses decimal seconds to milliseconds; only the first three digits of a fraction count.
fn seconds(value: &str) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // Parsing fails only if the number is too large.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let thousandths = fraction.bytes().chain(*b"000").take(3);
    let thousandths = thousandths.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(whole.saturating_mul(1000).saturating_add(thousandths))
}

/// Parses an HTTP date to milliseconds since 1970; `None` for earlier dates.
fn http_date(value: &str) -> Option<u64> {
    let date = httpdate::parse_http_date(value).ok()?;
    let since = date.duration_since(std::time::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 6 November 1994, 08:49:37.
    const THEN: u64 = 784_111_777_000;

    #[test]
    fn seconds_are_a_delay_and_a_date_is_relative_to_now() {
        let now = THEN - 2500;
        for (value, expected) in [
            ("0", Some(0)),
            (" 120\t", Some(120_000)),
            ("0.5", Some(500)),
            ("1.2345", Some(1234)),
            ("99999999999999999999", Some(u64::MAX)),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some(2500)),
            ("Sunday, 06-Nov-94 08:49:37 GMT", Some(2500)),
            ("Sun Nov  6 08:49:37 1994", Some(2500)),
            ("Sun, 06 Nov 1994 08:49:34 GMT", Some(0)),
            ("Wed, 16 Nov 1994 08:49:37 GMT", Some(864_002_500)),
            ("Wed Nov 16 08:49:37 1994", Some(864_002_500)),
            ("", None),
            ("-1", None),
            ("+1", None),
            ("1.", None),
            (".5", None),
            ("1e3", None),
            ("NaN", None),
            ("soon", None),
            ("Sun, 06 Nov 1994 08:49:37", None),
            ("Sun, 06 Nov 1994 08:49:37 CET", None),
            ("sun, 06 nov 1994 08:49:37 gmt", None),
            ("Som, 06 Nov 1994 08:49:37 GMT", None),
            ("Sun, 31 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 1994 24:00:00 GMT", None),
            ("Sun, 6 Nov 1994 08:49:37 GMT", None),
            ("Sun, 06 Nov 94 08:49:37 GMT", None),
            ("Wed, 29 Feb 1995 00:00:00 GMT", None),
            ("Sun, 06 Nov 1969 08:49:37 GMT", None),
        ] {
            assert_eq!(retry_after(value, now), expected, "{value:?}");
        }
    }

    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn every_formatted_date_parses_to_the_same_time(
                seconds in 0_u64..4_000_000_000, wait in 0_u64..100_000_000
            ) {
                let at = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
                let moment = seconds * 1000;
                let now = moment.saturating_sub(wait);
                let value = httpdate::fmt_http_date(at);
                prop_assert_eq!(retry_after(&value, now), Some(moment - now), "{}", value);
            }

            #[test]
            fn no_value_causes_a_panic(value in "\\PC{0,40}", now in any::<u64>()) {
                let _ = retry_after(&value, now);
            }
        }
    }
}
