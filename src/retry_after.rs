//! How long `Retry-After` asks to wait (RFC 9110, section 10.2.3).

/// The wait that a `Retry-After` asks for, in milliseconds from `now_ms` (milliseconds since
/// 1970), read from the header's `value`: seconds, or an HTTP date in one of the three forms of
/// RFC 9110, section 5.6.7. A date that has passed is no wait. Seconds may have a fraction, as some
/// gateways send them. `None` for anything else; no bound is put on the wait.
#[must_use]
pub fn retry_after(value: &str, now_ms: u64) -> Option<u64> {
    let value = value.trim_matches([' ', '\t']);
    seconds(value).or_else(|| Some(http_date(value, now_ms)?.saturating_sub(now_ms)))
}

/// Digits, and perhaps a fraction of which the first three digits count, in milliseconds.
fn seconds(value: &str) -> Option<u64> {
    let (whole, fraction) = value.split_once('.').unwrap_or((value, "0"));
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) {
        return None;
    }
    // Only too large a number cannot be read now.
    let whole: u64 = whole.parse().unwrap_or(u64::MAX);
    let thousandths = fraction.bytes().chain(*b"000").take(3);
    let thousandths = thousandths.fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    Some(whole.saturating_mul(1000).saturating_add(thousandths))
}

/// A date and time in milliseconds since 1970.
fn http_date(value: &str, now_ms: u64) -> Option<u64> {
    let date = imf_fixdate(value)
        .or_else(|| asctime(value))
        .or_else(|| rfc850(value, now_ms))?;
    date.milliseconds()
}

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

const MILLISECONDS_OF_A_DAY: u64 = 86_400_000;

struct Date {
    year: u64,
    /// From 1.
    month: u64,
    day: u64,
    /// Since midnight.
    seconds: u64,
}

impl Date {
    /// In milliseconds since 1970; `None` for a day that the calendar does not have, and before
    /// 1970.
    fn milliseconds(&self) -> Option<u64> {
        if self.year < 1970 || !(1..=days_of(self.year, self.month)).contains(&self.day) {
            return None;
        }
        let months = (1..self.month).map(|month| days_of(self.year, month));
        let days = days_before(self.year) - days_before(1970) + months.sum::<u64>() + self.day - 1;
        Some(days * MILLISECONDS_OF_A_DAY + self.seconds * 1000)
    }
}

fn is_leap(year: u64) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_of(year: u64, month: u64) -> u64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// The days of all years before this one, from the year 1 of the Gregorian calendar.
fn days_before(year: u64) -> u64 {
    let past = year.saturating_sub(1);
    past * 365 + past / 4 - past / 100 + past / 400
}

/// `Sun, 06 Nov 1994 08:49:37 GMT`
fn imf_fixdate(value: &str) -> Option<Date> {
    let (day_name, rest) = value.split_once(", ")?;
    is_short_day(day_name).then_some(())?;
    let [day, month, year, time, zone] = words(rest)?;
    (zone == "GMT").then_some(Date {
        year: number(year, 4)?,
        month: month_number(month)?,
        day: number(day, 2)?,
        seconds: time_of_day(time)?,
    })
}

/// `Sun Nov  6 08:49:37 1994`
fn asctime(value: &str) -> Option<Date> {
    // A day below ten stands behind two spaces.
    let [day_name, month, day, time, year] = match value.split_once("  ") {
        None => words(value)?,
        Some((before, after)) => {
            let [day_name, month] = words(before)?;
            let [day, time, year] = words(after)?;
            [day_name, month, day, time, year]
        }
    };
    is_short_day(day_name).then_some(Date {
        year: number(year, 4)?,
        month: month_number(month)?,
        day: number(day, day.len().clamp(1, 2))?,
        seconds: time_of_day(time)?,
    })
}

/// `Sunday, 06-Nov-94 08:49:37 GMT`
fn rfc850(value: &str, now_ms: u64) -> Option<Date> {
    let (day_name, rest) = value.split_once(", ")?;
    DAYS.contains(&day_name).then_some(())?;
    let [date, time, zone] = words(rest)?;
    let (day, date) = date.split_once('-')?;
    let (month, year) = date.split_once('-')?;
    let of_century = number(year, 2)?;
    // What seems to be more than 50 years ahead is the last such year that has passed.
    let this_year = year_of(now_ms);
    let this_century = this_year - this_year % 100;
    let nearest = [100, 0].map(|ahead| this_century + ahead + of_century);
    let year = nearest
        .into_iter()
        .find(|year| *year <= this_year + 50)
        .unwrap_or(this_century.saturating_sub(100) + of_century);
    (zone == "GMT").then_some(Date {
        year,
        month: month_number(month)?,
        day: number(day, 2)?,
        seconds: time_of_day(time)?,
    })
}

fn year_of(now_ms: u64) -> u64 {
    let days = days_before(1970) + now_ms / MILLISECONDS_OF_A_DAY;
    // 400 years are 146,097 days, so this begins a year before the right one, or two.
    let mut year = (days.saturating_mul(400) / 146_097).max(1);
    while days_before(year + 1) <= days {
        year += 1;
    }
    year
}

/// Exactly so many words with one space between them.
fn words<const COUNT: usize>(text: &str) -> Option<[&str; COUNT]> {
    let words: Vec<&str> = text.split(' ').collect();
    words.try_into().ok()
}

fn is_short_day(name: &str) -> bool {
    name.len() == 3 && DAYS.iter().any(|day| day.starts_with(name))
}

fn month_number(name: &str) -> Option<u64> {
    (1..)
        .zip(MONTHS)
        .find_map(|(number, month)| (month == name).then_some(number))
}

/// A number of exactly so many digits.
fn number(text: &str, digits: usize) -> Option<u64> {
    let is_number = text.len() == digits && text.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| text.parse().ok())?
}

/// `08:49:37` in seconds; a leap second counts as the first of the next minute.
fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.split(':').map(|part| number(part, 2));
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    let is_time = hours < 24 && minutes < 60 && seconds <= 60 && parts.next().is_none();
    is_time.then_some(hours * 3600 + minutes * 60 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 6 November 1994, 08:49:37.
    const THEN: u64 = 784_111_777_000;

    #[test]
    fn seconds_are_a_wait_and_a_date_is_one_from_now() {
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

    #[test]
    fn days_that_calendars_stumble_over_are_counted() {
        for (value, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Tue, 29 Feb 2000 23:59:59 GMT", 951_868_799),
            ("Wed, 01 Mar 2000 00:00:00 GMT", 951_868_800),
            ("Thu, 31 Dec 2026 23:59:60 GMT", 1_798_761_600),
            ("Mon, 01 Mar 2100 00:00:00 GMT", 4_107_542_400),
        ] {
            assert_eq!(retry_after(value, 0), Some(seconds * 1000), "{value}");
        }
    }

    #[test]
    fn two_digits_of_a_year_are_never_more_than_fifty_years_ahead() {
        let at = |year| {
            let days = days_before(year) - days_before(1970);
            days * MILLISECONDS_OF_A_DAY + 1
        };
        for (now, digits, year) in [
            (2026, "26", 2026),
            (2026, "76", 2076),
            (2026, "77", 1977),
            (2026, "25", 2025),
            (2099, "05", 2105),
            (2099, "49", 2149),
            (2099, "50", 2050),
        ] {
            assert_eq!(year_of(at(now)), now);
            let value = format!("Sunday, 06-Jul-{digits} 08:49:37 GMT");
            let date = rfc850(&value, at(now)).unwrap();
            assert_eq!(date.year, year, "{digits} in {now}");
        }
    }

    /// The crate of property tests is a dependency of the host only.
    #[cfg(not(target_arch = "wasm32"))]
    mod properties {
        use proptest::prelude::*;

        use super::*;

        proptest! {
            #[test]
            fn every_moment_reads_the_same_in_all_three_forms(
                days in 0_u64..60_000, time in 0_u64..86_400, wait in 0_u64..100_000_000
            ) {
                let moment = days * MILLISECONDS_OF_A_DAY + time * 1000;
                let year = year_of(moment);
                let mut day = days - (days_before(year) - days_before(1970));
                let mut month = 1;
                while day >= days_of(year, month) {
                    day -= days_of(year, month);
                    month += 1;
                }
                let (day, name) = (day + 1, MONTHS[month as usize - 1]);
                // 1 January 1970 was a Thursday.
                let week = DAYS[(days as usize + 3) % 7];
                let short: String = week.chars().take(3).collect();
                let clock = format!("{:02}:{:02}:{:02}", time / 3600, time / 60 % 60, time % 60);
                let now = moment.saturating_sub(wait);
                for value in [
                    format!("{short}, {day:02} {name} {year} {clock} GMT"),
                    format!("{short} {name} {day:>2} {clock} {year}"),
                    format!("{week}, {day:02}-{name}-{:02} {clock} GMT", year % 100),
                ] {
                    prop_assert_eq!(retry_after(&value, now), Some(moment - now), "{}", value);
                }
            }

            #[test]
            fn no_text_makes_it_panic(value in "\\PC{0,40}", now in any::<u64>()) {
                let _ = retry_after(&value, now);
            }
        }
    }
}
