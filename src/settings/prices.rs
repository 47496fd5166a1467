//! Token prices and costs in the operator's own currency.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Millionths per unit of the currency.
const UNIT: u64 = 1_000_000;
/// Maximum amount in units that can be entered. It is exact as a JSON number.
const MAX_UNITS: u64 = 1_000_000;
/// Maximum number of decimals.
const MAX_DECIMALS: usize = 6;

/// An amount of money, exact to a millionth of a unit of the operator's currency. In JSON it is a
/// number of units, such as `1.25`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Amount(u64);

/// A text or number is not an amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an amount must be a number from 0 to {MAX_UNITS} with at most {MAX_DECIMALS} decimals")]
pub struct InvalidAmount;

impl Amount {
    /// Creates an amount from millionths of a unit. `u64::MAX` represents all larger amounts.
    #[must_use]
    pub fn from_millionths(millionths: u64) -> Amount {
        Amount(millionths)
    }

    /// The amount in millionths of a unit.
    #[must_use]
    pub fn millionths(self) -> u64 {
        self.0
    }
}

impl FromStr for Amount {
    type Err = InvalidAmount;

    fn from_str(text: &str) -> Result<Amount, InvalidAmount> {
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(decimals) || decimals.len() > MAX_DECIMALS {
            return Err(InvalidAmount);
        }
        let units: u64 = whole.parse().map_err(|_| InvalidAmount)?;
        let millionths: u64 = format!("{decimals:0<6}")
            .parse()
            .map_err(|_| InvalidAmount)?;
        let amount = units.checked_mul(UNIT).ok_or(InvalidAmount)? + millionths;
        (amount <= MAX_UNITS * UNIT)
            .then_some(Amount(amount))
            .ok_or(InvalidAmount)
    }
}

impl fmt::Display for Amount {
    /// Formats with at least two decimals and no further trailing zeros: `0.50`, `0.0123`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = format!("{:06}", self.0 % UNIT);
        let (always, rest) = decimals.split_at_checked(2).unwrap_or((&decimals, ""));
        let rest = rest.trim_end_matches('0');
        write!(f, "{}.{always}{rest}", self.0 / UNIT)
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / UNIT as f64)
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let units = f64::deserialize(deserializer)?;
        // The shortest representation of the number is the text that was entered.
        units.to_string().parse().map_err(serde::de::Error::custom)
    }
}

/// Prices per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prices {
    /// Price of input tokens.
    pub input: Amount,
    /// Price of cached input tokens; the price of `input` by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cached_input: Option<Amount>,
    /// Price of output tokens, including reasoning tokens.
    pub output: Amount,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_parsed_and_formatted_exactly() {
        for (text, shown) in [
            ("0", "0.00"),
            ("1.25", "1.25"),
            ("0.000001", "0.000001"),
            ("0.1", "0.10"),
            ("007.5", "7.50"),
            ("1000000", "1000000.00"),
        ] {
            let amount: Amount = text.parse().unwrap();
            assert_eq!(amount.to_string(), shown);
            let json = serde_json::to_string(&amount).unwrap();
            assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), amount);
        }
        for text in [
            "",
            "-1",
            "+1",
            "1e3",
            ".5",
            "1.",
            "1,5",
            "0.0000001",
            "1000000.000001",
            "NaN",
            "99999999999999999999",
        ] {
            assert_eq!(text.parse::<Amount>(), Err(InvalidAmount), "{text}");
        }
        for json in ["-0.5", "1e300", "0.00000001", "\"1\"", "null"] {
            assert!(serde_json::from_str::<Amount>(json).is_err(), "{json}");
        }
        assert_eq!(
            serde_json::from_str::<Amount>("2").unwrap().to_string(),
            "2.00"
        );
    }
}
