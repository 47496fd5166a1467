//! Generates strings for the formats that JSON Schema defines (2020-12 validation, section 7.3).

use crate::random::SeededRng;

/// Whether strings of this format can be generated. The generator treats other formats as
/// annotations.
pub(super) fn is_known(format: &str) -> bool {
    KNOWN.contains(&format)
}

const KNOWN: [&str; 19] = [
    "date",
    "time",
    "date-time",
    "duration",
    "email",
    "idn-email",
    "hostname",
    "idn-hostname",
    "ipv4",
    "ipv6",
    "uri",
    "uri-reference",
    "iri",
    "iri-reference",
    "uri-template",
    "uuid",
    "json-pointer",
    "relative-json-pointer",
    "regex",
];

const WORDS: [&str; 12] = [
    "atlas", "basil", "cedar", "delta", "ember", "fjord", "grove", "harbor", "iris", "juniper",
    "kelp", "linden",
];

/// Generates a string of a known format; empty for other formats. Dates are in 2027, host names are
/// reserved for examples (RFC 2606), and addresses are reserved for documentation (RFC 5737, 3849).
pub(super) fn text(format: &str, random: &mut SeededRng) -> String {
    let word = |random: &mut SeededRng| random.pick(&WORDS).copied().unwrap_or("atlas");
    match format {
        "date" => date(random),
        "time" => format!("{}Z", time(random)),
        "date-time" => format!("{}T{}Z", date(random), time(random)),
        "duration" => match random.below(3) {
            0 => format!("P{}D", 1 + random.below(30)),
            1 => format!("PT{}H", 1 + random.below(23)),
            _ => format!("P{}DT{}M", 1 + random.below(9), 5 + random.below(50)),
        },
        "email" | "idn-email" => format!("{}@example.com", word(random)),
        "hostname" | "idn-hostname" => format!("{}.example.com", word(random)),
        "ipv4" => format!("192.0.2.{}", 1 + random.below(254)),
        "ipv6" => format!("2001:db8::{:x}", 1 + random.below(0xfffe)),
        "uri" | "iri" => format!("https://example.com/{}/{}", word(random), word(random)),
        "uri-reference" | "iri-reference" => format!("/{}/{}", word(random), word(random)),
        "uri-template" => format!("https://example.com/{}/{{id}}", word(random)),
        "uuid" => uuid(random),
        "json-pointer" => format!("/{}/{}", word(random), random.below(10)),
        "relative-json-pointer" => format!("{}/{}", random.below(3), word(random)),
        "regex" => format!("^{}[0-9]+$", word(random)),
        _ => String::new(),
    }
}

fn date(random: &mut SeededRng) -> String {
    format!(
        "2027-{:02}-{:02}",
        1 + random.below(12),
        1 + random.below(28)
    )
}

fn time(random: &mut SeededRng) -> String {
    let minute = 5 * random.below(12);
    format!("{:02}:{minute:02}:00", 6 + random.below(14))
}

/// A UUID in the form of version 4 (RFC 9562, section 5.4) with bits from the seed.
fn uuid(random: &mut SeededRng) -> String {
    let high = (random.next_u64() & !0xf000) | 0x4000;
    let low = (random.next_u64() & !(3 << 62)) | (2 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}
