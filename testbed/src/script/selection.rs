//! The script that a request selects, and its parameters.

use thiserror::Error;

/// The model name that selects a script, optionally followed by `:script` and `?parameters`.
const FAMILY: &str = "scripted";
/// The script of the bare model name.
const DEFAULT_SCRIPT: &str = "plain";
/// Maximum length of a tag, in bytes.
const TAG_LIMIT: usize = 128;
/// Maximum delay, pause and hold time, in milliseconds.
const TIME_LIMIT: u64 = 600_000;

/// What a request selects: a script, a tag, and parameters that override the script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The script's name.
    pub script: String,
    /// The tag under which requests are recorded; untagged requests are not recorded.
    pub tag: Option<String>,
    /// The parameters that override the script.
    pub overrides: Overrides,
}

/// Parameters that override the script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overrides {
    /// Characters of text in one event, at least 1.
    pub piece: Option<usize>,
    /// Bytes in one write, at least 1.
    pub write: Option<usize>,
    /// Milliseconds before the first byte.
    pub delay_ms: Option<u64>,
    /// Milliseconds between two writes.
    pub pause_ms: Option<u64>,
    /// Milliseconds for which a stalled connection stays open.
    pub hold_ms: Option<u64>,
    /// The number of bytes after which the body ends.
    pub cut_at_byte: Option<usize>,
    /// The status of a fixed HTTP response, from 200 to 599.
    pub status: Option<u16>,
    /// The seed of the tasks.
    pub seed: Option<u64>,
}

/// Why a model name does not select a script.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SelectionError {
    /// It does not start with `scripted`.
    #[error("the model `{0}` does not exist; use `scripted` or `scripted:NAME`")]
    NotScripted(String),
    /// It has an unknown parameter.
    #[error("scripted models have no parameter `{0}`")]
    UnknownParameter(String),
    /// The value of a parameter is out of range.
    #[error("`{value}` is not a valid value of the parameter `{parameter}`")]
    BadValue {
        /// The parameter.
        parameter: String,
        /// The value.
        value: String,
    },
}

impl SelectionError {
    /// A stable code for the error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotScripted(_) => "model_not_found",
            Self::UnknownParameter(_) => "unknown_model_parameter",
            Self::BadValue { .. } => "bad_model_parameter",
        }
    }
}

impl Selection {
    /// Parses a model name: `scripted`, `scripted:NAME`, either followed by `?` and parameters
    /// (`piece`, `write`, `delay_ms`, `pause_ms`, `hold_ms`, `cut_at_byte`, `status`, `seed`,
    /// `tag`) joined by `&`.
    ///
    /// # Errors
    /// When the name does not select a script, or a parameter is unknown or out of range.
    pub fn from_model(model: &str) -> Result<Self, SelectionError> {
        let (name, parameters) = model.split_once('?').unwrap_or((model, ""));
        let script = match name.split_once(':') {
            None if name == FAMILY => DEFAULT_SCRIPT,
            Some((FAMILY, script)) => script,
            _ => return Err(SelectionError::NotScripted(model.to_owned())),
        };
        let mut selection = Self {
            script: script.to_owned(),
            ..Self::default()
        };
        for pair in parameters.split('&').filter(|pair| !pair.is_empty()) {
            let (parameter, value) = pair.split_once('=').unwrap_or((pair, ""));
            selection.set(parameter, value)?;
        }
        Ok(selection)
    }

    /// The selection of a base URL (`/scripted/{script}/{tag}/v1`) and a model name.
    ///
    /// Any model name is accepted. That of a scripted model adds its parameters, and replaces the
    /// script if it names one.
    ///
    /// # Errors
    /// When a parameter of a scripted model is unknown or out of range.
    pub fn from_base(script: &str, tag: &str, model: Option<&str>) -> Result<Self, SelectionError> {
        let mut selection = match model.map(Self::from_model) {
            Some(Ok(named)) => named,
            None | Some(Err(SelectionError::NotScripted(_))) => Self {
                script: DEFAULT_SCRIPT.to_owned(),
                ..Self::default()
            },
            Some(Err(error)) => return Err(error),
        };
        if selection.script == DEFAULT_SCRIPT {
            script.clone_into(&mut selection.script);
        }
        if selection.tag.is_none() {
            selection.set("tag", tag)?;
        }
        Ok(selection)
    }

    fn set(&mut self, parameter: &str, value: &str) -> Result<(), SelectionError> {
        let bad = || SelectionError::BadValue {
            parameter: parameter.to_owned(),
            value: value.to_owned(),
        };
        let overrides = &mut self.overrides;
        match parameter {
            "piece" => overrides.piece = Some(number(value, 1, usize::MAX).ok_or_else(bad)?),
            "write" => overrides.write = Some(number(value, 1, usize::MAX).ok_or_else(bad)?),
            "delay_ms" => overrides.delay_ms = Some(number(value, 0, TIME_LIMIT).ok_or_else(bad)?),
            "pause_ms" => overrides.pause_ms = Some(number(value, 0, TIME_LIMIT).ok_or_else(bad)?),
            "hold_ms" => overrides.hold_ms = Some(number(value, 0, TIME_LIMIT).ok_or_else(bad)?),
            "cut_at_byte" => {
                overrides.cut_at_byte = Some(number(value, 0, usize::MAX).ok_or_else(bad)?);
            }
            "status" => overrides.status = Some(number(value, 200, 599).ok_or_else(bad)?),
            "seed" => overrides.seed = Some(number(value, 0, u64::MAX).ok_or_else(bad)?),
            "tag" if !value.is_empty() && value.len() <= TAG_LIMIT => {
                self.tag = Some(value.to_owned());
            }
            "tag" => return Err(bad()),
            _ => return Err(SelectionError::UnknownParameter(parameter.to_owned())),
        }
        Ok(())
    }
}

/// Parses a number within bounds.
fn number<N: std::str::FromStr + PartialOrd>(text: &str, min: N, max: N) -> Option<N> {
    text.parse()
        .ok()
        .filter(|number| *number >= min && *number <= max)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_name_selects_the_plain_script() {
        let selection = Selection::from_model("scripted").unwrap();
        assert_eq!(selection.script, "plain");
        assert_eq!(selection.tag, None);
        assert_eq!(selection.overrides, Overrides::default());
    }

    #[test]
    fn a_name_selects_a_script_and_parameters() {
        let selection =
            Selection::from_model("scripted:slow?piece=4&pause_ms=20&tag=a/b c&seed=7").unwrap();
        assert_eq!(selection.script, "slow");
        assert_eq!(selection.tag.as_deref(), Some("a/b c"));
        assert_eq!(
            selection.overrides,
            Overrides {
                piece: Some(4),
                pause_ms: Some(20),
                seed: Some(7),
                ..Overrides::default()
            }
        );
    }

    #[test]
    fn an_invalid_name_or_parameter_is_an_error() {
        for (model, code) in [
            ("gpt-5", "model_not_found"),
            ("scriptedly", "model_not_found"),
            ("", "model_not_found"),
            ("scripted?pice=4", "unknown_model_parameter"),
            ("scripted?piece=0", "bad_model_parameter"),
            ("scripted?piece=-1", "bad_model_parameter"),
            ("scripted?piece", "bad_model_parameter"),
            ("scripted?status=99", "bad_model_parameter"),
            ("scripted?hold_ms=600001", "bad_model_parameter"),
            ("scripted?tag=", "bad_model_parameter"),
        ] {
            assert_eq!(
                Selection::from_model(model).unwrap_err().code(),
                code,
                "{model}"
            );
        }
    }

    #[test]
    fn a_base_url_selects_a_script_for_any_model_and_a_scripted_model_refines_it() {
        let any = Selection::from_base("cut-off", "t", Some("gpt-5")).unwrap();
        assert_eq!(
            (any.script.as_str(), any.tag.as_deref()),
            ("cut-off", Some("t"))
        );
        let refined = Selection::from_base("cut-off", "t", Some("scripted?piece=3")).unwrap();
        assert_eq!(
            (refined.script.as_str(), refined.overrides.piece),
            ("cut-off", Some(3))
        );
        let other = Selection::from_base("cut-off", "t", Some("scripted:slow?tag=u")).unwrap();
        assert_eq!(
            (other.script.as_str(), other.tag.as_deref()),
            ("slow", Some("u"))
        );
    }
}
