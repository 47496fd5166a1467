//! Choices on the command line: tiers, parts of the benchmarks, fuzz targets.

use clap::ValueEnum;

/// The name of a choice on the command line.
pub fn name<T: ValueEnum>(choice: T) -> String {
    // No variant is skipped, so each has a value.
    choice
        .to_possible_value()
        .map(|value| value.get_name().to_owned())
        .unwrap_or_default()
}

/// The chosen values without duplicates, in the order of their declaration; all values if none is
/// chosen.
pub fn selected<T: ValueEnum + PartialEq>(chosen: &[T]) -> Vec<T> {
    T::value_variants()
        .iter()
        .filter(|value| chosen.is_empty() || chosen.contains(value))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Clone, Copy, Debug, PartialEq, ValueEnum)]
    enum Size {
        Small,
        VeryLarge,
    }

    #[test]
    fn names_are_those_of_the_command_line() {
        assert_eq!(name(Size::VeryLarge), "very-large");
    }

    #[test]
    fn without_a_choice_everything_is_selected() {
        assert_eq!(selected::<Size>(&[]), [Size::Small, Size::VeryLarge]);
    }

    #[test]
    fn duplicates_are_removed_and_the_declared_order_is_kept() {
        assert_eq!(
            selected(&[Size::VeryLarge, Size::Small, Size::VeryLarge]),
            [Size::Small, Size::VeryLarge]
        );
    }
}
