//! Times as machines read them.

const MILLISECONDS_OF_A_DAY: u64 = 86_400_000;
/// 400 years of the Gregorian calendar, after which it repeats.
const DAYS_OF_AN_ERA: u64 = 146_097;
/// From 1 March of the year 0 to 1 January 1970.
const DAYS_BEFORE_1970: u64 = 719_468;

/// A time in milliseconds since 1970 as RFC 3339 writes it, in UTC and to the millisecond. None
/// beyond the year 9999, which it cannot write.
pub(super) fn rfc3339(milliseconds: u64) -> Option<String> {
    let (year, month, day) = date(milliseconds / MILLISECONDS_OF_A_DAY);
    let of_day = milliseconds % MILLISECONDS_OF_A_DAY;
    let (seconds, rest) = (of_day / 1_000, of_day % 1_000);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    (year <= 9_999).then(|| {
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{rest:03}Z")
    })
}

/// Year, month and day of so many days after 1 January 1970. Years are counted from March, so that
/// the day that is sometimes there is the last one.
fn date(days: u64) -> (u64, u64, u64) {
    let days = days + DAYS_BEFORE_1970;
    let (era, of_era) = (days / DAYS_OF_AN_ERA, days % DAYS_OF_AN_ERA);
    // Every fourth year is longer by a day, but for one in a hundred, but for one in 400.
    let leaps = of_era / 1_460 - of_era / 36_524 + of_era / (DAYS_OF_AN_ERA - 1);
    let of_years = (of_era - leaps) / 365;
    let of_year = of_era - (365 * of_years + of_years / 4 - of_years / 100);
    // Five months from March on have 153 days, and so have the next five.
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let (month, next_year) = match from_march {
        0..=9 => (from_march + 3, 0),
        _ => (from_march - 9, 1),
    };
    (era * 400 + of_years + next_year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_in_utc_to_the_millisecond() {
        for (milliseconds, text) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_399_999, "2000-02-28T23:59:59.999Z"),
            (951_782_400_000, "2000-02-29T00:00:00.000Z"),
            (951_868_800_000, "2000-03-01T00:00:00.000Z"),
            (1_700_000_000_123, "2023-11-14T22:13:20.123Z"),
            (4_107_542_399_000, "2100-02-28T23:59:59.000Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
            (253_402_300_799_999, "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(rfc3339(milliseconds).as_deref(), Some(text));
        }
        assert_eq!(rfc3339(253_402_300_800_000), None);
        assert_eq!(rfc3339(u64::MAX), None);
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let lengths = |year: u64| {
            let is_leap =
                year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
            [
                31,
                if is_leap { 29 } else { 28 },
                31,
                30,
                31,
                30,
                31,
                31,
                30,
                31,
                30,
                31,
            ]
        };
        let (mut year, mut month, mut day) = (1970, 1, 1);
        for days in 0..200_000 {
            assert_eq!(date(days), (year, month, day));
            day += 1;
            if day > lengths(year)[usize::try_from(month).unwrap() - 1] {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
    }
}
