//! Generates numbers within their limits by exact decimal arithmetic: `multipleOf: 0.1` must yield
//! 0.3, not 0.30000000000000004.

use serde_json::{Number, Value};

use super::SampleError;
use crate::random::SeededRng;
use crate::schema::conjunction::Subschema;

/// Decimal places considered; finer limits are rounded inwards.
const MAX_PLACES: u32 = 12;
/// Width of the range if one of the limits is missing.
const WIDTH: i128 = 100;
/// Maximum magnitude of a generated number: integers fit in 64 bits.
const LARGEST: i128 = i64::MAX as i128;

/// A decimal number: digits times ten to the power of the exponent.
#[derive(Clone, Copy)]
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    fn parse(number: &Number) -> Option<Decimal> {
        let text = number.to_string().to_ascii_lowercase();
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let fraction = fraction.trim_end_matches('0');
        Some(Decimal {
            digits: format!("{whole}{fraction}").parse().ok()?,
            exponent: exponent.parse::<i32>().ok()? - i32::try_from(fraction.len()).ok()?,
        })
    }

    fn places(self) -> u32 {
        u32::try_from(-self.exponent).unwrap_or(0)
    }

    /// The number in units of ten to the power of `-places`, rounded up or down if it is finer.
    /// `None` if it is too large.
    fn scaled(self, places: u32, up: bool) -> Option<i128> {
        let shift = self.exponent + i32::try_from(places).ok()?;
        if shift >= 0 {
            let power = 10i128.checked_pow(u32::try_from(shift).ok()?)?;
            return self.digits.checked_mul(power);
        }
        let Some(power) = 10i128.checked_pow(shift.unsigned_abs()) else {
            return Some(i128::from(up && self.digits > 0) - i128::from(!up && self.digits < 0));
        };
        let down = self.digits.div_euclid(power);
        Some(down + i128::from(up && self.digits.rem_euclid(power) != 0))
    }
}

/// Generates a number within the limits of all parts.
///
/// # Errors
/// The limits leave no number, or none that can be represented.
pub(super) fn number(
    parts: &[Subschema<'_>],
    integer: bool,
    random: &mut SeededRng,
) -> Result<Value, SampleError> {
    let limits = |keyword: &str| -> Vec<Decimal> {
        parts
            .iter()
            .filter_map(|part| part.map.get(keyword)?.as_number())
            .filter_map(Decimal::parse)
            .collect()
    };
    let multiples = limits("multipleOf");
    let mut places = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
        .iter()
        .flat_map(|keyword| limits(keyword))
        .chain(multiples.iter().copied())
        .map(Decimal::places)
        .max()
        .unwrap_or(0);
    if !integer && multiples.is_empty() {
        places += 1;
    }
    let places = places.min(MAX_PLACES);
    let unit = 10i128.pow(places);

    let mut step = if integer { unit } else { 1 };
    for multiple in multiples {
        let scaled = multiple.scaled(places, true).filter(|scaled| *scaled > 0);
        step = scaled
            .and_then(|scaled| least_common_multiple(step, scaled))
            .ok_or_else(|| impossible(parts, "multipleOf", "no number satisfies it"))?;
    }

    // In draft 4, exclusive limits are booleans that modify `minimum` and `maximum`.
    let strict = |part: &Subschema<'_>, keyword: &str| {
        part.map.get(keyword).and_then(Value::as_bool) == Some(true)
    };
    let lower = parts
        .iter()
        .flat_map(|part| {
            [("minimum", "exclusiveMinimum"), ("exclusiveMinimum", "")].map(|(keyword, flag)| {
                let limit = Decimal::parse(part.map.get(keyword)?.as_number()?)?;
                let exclusive = keyword == "exclusiveMinimum" || strict(part, flag);
                let scaled = limit.scaled(places, true).unwrap_or(if limit.digits < 0 {
                    -LARGEST * unit
                } else {
                    i128::MAX / 2
                });
                // A limit that was rounded up is already excluded.
                let rounded = limit.scaled(places, false) != Some(scaled);
                Some(scaled + i128::from(exclusive && !rounded))
            })
        })
        .flatten()
        .max();
    let upper = parts
        .iter()
        .flat_map(|part| {
            [("maximum", "exclusiveMaximum"), ("exclusiveMaximum", "")].map(|(keyword, flag)| {
                let limit = Decimal::parse(part.map.get(keyword)?.as_number()?)?;
                let exclusive = keyword == "exclusiveMaximum" || strict(part, flag);
                let scaled = limit.scaled(places, false).unwrap_or(if limit.digits > 0 {
                    LARGEST * unit
                } else {
                    i128::MIN / 2
                });
                let rounded = limit.scaled(places, true) != Some(scaled);
                Some(scaled - i128::from(exclusive && !rounded))
            })
        })
        .flatten()
        .min();
    let width = (WIDTH * unit).max(step.saturating_mul(20));
    let (lower, upper) = match (lower, upper) {
        (None, None) => (0, width),
        (Some(lower), None) => (lower, lower.saturating_add(width)),
        (None, Some(upper)) => (upper.saturating_sub(width), upper),
        (Some(lower), Some(upper)) => (lower, upper),
    };
    let lower = lower.max(-LARGEST * unit);
    let upper = upper.min(LARGEST * unit);

    let first = lower.div_euclid(step) + i128::from(lower.rem_euclid(step) != 0);
    let last = upper.div_euclid(step);
    if first > last {
        let keyword = if parts.iter().any(|part| part.map.contains_key("multipleOf")) {
            "multipleOf"
        } else {
            "minimum"
        };
        return Err(impossible(parts, keyword, "the limits leave no number"));
    }
    let scaled = random.between(first, last) * step;
    to_json(scaled, unit, places)
        .ok_or_else(|| impossible(parts, "type", "the number cannot be represented"))
}

/// Converts a scaled number to a JSON number.
fn to_json(scaled: i128, unit: i128, places: u32) -> Option<Value> {
    if scaled % unit == 0 {
        let whole = scaled / unit;
        return i64::try_from(whole).ok().map(Value::from);
    }
    let sign = if scaled < 0 { "-" } else { "" };
    let whole = (scaled / unit).abs();
    let fraction = (scaled % unit).abs();
    let text = format!("{sign}{whole}.{fraction:0>width$}", width = places as usize);
    let number: f64 = text.parse().ok()?;
    Number::from_f64(number).map(Value::Number)
}

/// The least common multiple; `None` if it is too large.
fn least_common_multiple(left: i128, right: i128) -> Option<i128> {
    let (mut a, mut b) = (left, right);
    while b != 0 {
        (a, b) = (b, a % b);
    }
    (left / a).checked_mul(right)
}

fn impossible(parts: &[Subschema<'_>], keyword: &'static str, why: &str) -> SampleError {
    let pointer = parts
        .iter()
        .find(|part| part.map.contains_key(keyword))
        .or(parts.first())
        .map_or_else(String::new, |part| part.pointer.clone());
    SampleError::Contradiction {
        pointer,
        keyword: keyword.to_owned(),
        why: why.to_owned(),
    }
}
