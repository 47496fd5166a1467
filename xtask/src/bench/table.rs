//! A table of figures as aligned plain text.

use std::fmt::{self, Display, Formatter};

use super::figures::{median, range};

/// Figures of one kind, one line per contender: the median of its rounds and the ratio to the first
/// contender's.
#[derive(Debug)]
pub struct Table {
    title: String,
    unit: String,
    lines: Vec<Line>,
}

#[derive(Debug)]
struct Line {
    name: String,
    rounds: Vec<f64>,
}

impl Table {
    /// An empty table. `unit` applies to all figures: such as `ms`.
    pub fn new(title: impl Into<String>, unit: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            unit: unit.into(),
            lines: Vec::new(),
        }
    }

    /// Adds a line: a contender and its figure in each round. Ratios are relative to the first
    /// line.
    pub fn add(&mut self, name: impl Into<String>, rounds: Vec<f64>) {
        self.lines.push(Line {
            name: name.into(),
            rounds,
        });
    }

    fn cells(&self) -> Vec<[String; 5]> {
        let first = self.lines.first().and_then(|line| median(&line.rounds));
        self.lines
            .iter()
            .map(|line| {
                let median = median(&line.rounds);
                let ratio = match (median, first) {
                    (Some(median), Some(first)) if first != 0.0 => {
                        format!("{} x", figure(median / first))
                    }
                    _ => String::new(),
                };
                [
                    line.name.clone(),
                    median.map_or_else(|| "not measured".to_owned(), figure),
                    self.unit.clone(),
                    ratio,
                    range(&line.rounds).map_or_else(String::new, |(low, high)| {
                        format!("{} to {}", figure(low), figure(high))
                    }),
                ]
            })
            .collect()
    }
}

impl Display for Table {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        let cells = self.cells();
        let [name, number, unit, ratio, _] = widths(&cells);
        write!(formatter, "{}", self.title)?;
        for [a, b, c, d, e] in &cells {
            let line = format!("  {a:<name$}  {b:>number$} {c:<unit$}  {d:>ratio$}  {e}");
            write!(formatter, "\n{}", line.trim_end())?;
        }
        Ok(())
    }
}

/// The width of each column in characters.
fn widths(cells: &[[String; 5]]) -> [usize; 5] {
    cells.iter().fold([0; 5], |mut widest, line| {
        for (width, cell) in widest.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
        widest
    })
}

/// A number with about three significant digits and thousands separators: `12,345`, `0.873`.
fn figure(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        100.0.. => 0,
        10.0.. => 1,
        1.0.. => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if size < 1_000.0 {
        return text;
    }
    let mut grouped = String::new();
    for (index, digit) in text.chars().enumerate() {
        let left = text.len() - index;
        if index > 0 && left % 3 == 0 && grouped != "-" {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_about_three_significant_digits() {
        for (value, text) in [
            (0.0, "0.000"),
            (0.012_34, "0.012"),
            (1.005_4, "1.01"),
            (12.34, "12.3"),
            (999.4, "999"),
            (1_000.0, "1,000"),
            (1_234_567.8, "1,234,568"),
            (-123_456.0, "-123,456"),
        ] {
            assert_eq!(figure(value), text);
        }
    }

    #[test]
    fn each_line_shows_its_median_and_its_ratio_to_the_first_line() {
        let mut table = Table::new("requests", "1/s");
        table.add("store turned off", vec![2_000.0, 1_000.0, 3_000.0]);
        table.add("durable", vec![500.0]);
        assert_eq!(
            table.to_string(),
            "requests\n  \
             store turned off  2,000 1/s   1.00 x  1,000 to 3,000\n  \
             durable             500 1/s  0.250 x  500 to 500"
        );
    }

    #[test]
    fn a_line_without_rounds_is_marked_as_not_measured() {
        let mut table = Table::new("requests", "1/s");
        table.add("one", vec![]);
        table.add("other", vec![1.0]);
        assert_eq!(
            table.to_string(),
            "requests\n  one    not measured 1/s\n  other          1.00 1/s    1.00 to 1.00"
        );
    }
}
