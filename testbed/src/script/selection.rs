//! Which script a request picks, and with which parameters.

use thiserror::Error;

/// The model name that picks a script, alone or followed by `:script` and `?parameters`.
const FAMILY: &str = "scripted";
/// The script of the bare model name.
const DEFAULT_SCRIPT: &str = "plain";
/// The longest tag, in bytes.
const TAG_LIMIT: usize = 128;
/// The longest time a script can be told to wait, in milliseconds.
const TIME_LIMIT: u64 = 600_000;

/// What a request picked: a script, a tag for its records, and parameters that override the script.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    /// The script's name.
    pub script: String,
    /// The tag under which requests are recorded; without one they are not.
    pub tag: Option<String>,
    /// What overrides the script.
    pub overrides: Overrides,
}

/// Parameters of a selection that override what the script says.
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
    /// Milliseconds that a stalled connection is held.
    pub hold_ms: Option<u64>,
    /// The byte of the stream after which nothing more is sent.
    pub cut_at_byte: Option<usize>,
    /// The status of a spelled-out HTTP answer, from 200 to 599.
    pub status: Option<u16>,
    /// A number that changes the tasks which are made; the same one makes the same tasks.
    pub seed: Option<u64>,
}

/// Why a model name picks no script.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum SelectionError {
    /// It does not begin with `scripted`.
    #[error("the model `{0}` does not exist here; the models are `scripted` and `scripted:NAME`")]
    NotScripted(String),
    /// It has a parameter that does not exist.
    #[error("a scripted model has no parameter `{0}`")]
    UnknownParameter(String),
    /// A parameter has a value out of its range.
    #[error("`{value}` is no value for the parameter `{parameter}` of a scripted model")]
    BadValue {
        /// The parameter.
        parameter: String,
        /// What it was given.
        value: String,
    },
}

impl SelectionError {
    /// A stable name of the error.
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
    /// Reads a model name: `scripted`, `scripted:NAME`, either followed by `?` and parameters
    /// (`piece`, `write`, `delay_ms`, `pause_ms`, `hold_ms`, `cut_at_byte`, `status`, `seed`,
    /// `tag`) joined by `&`.
    ///
    /// # Errors
    /// When the name is not of this family, or a parameter is unknown or out of range.
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

    /// What a base URL (`/scripted/{script}/{tag}/v1`) picks together with the model's name.
    ///
    /// The base URL accepts any model. A scripted one adds its parameters, and its script where it
    /// names one.
    ///
    /// # Errors
    /// When a scripted model's parameters are not right.
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

/// Reads a number within its bounds.
fn number<N: std::str::FromStr + PartialOrd>(text: &str, least: N, most: N) -> Option<N> {
    text.parse()
        .ok()
        .filter(|number| *number >= least && *number <= most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bare_name_picks_the_plain_script() {
        let selection = Selection::from_model("scripted").unwrap();
        assert_eq!(selection.script, "plain");
        assert_eq!(selection.tag, None);
        assert_eq!(selection.overrides, Overrides::default());
    }

    #[test]
    fn a_name_carries_a_script_and_parameters() {
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
    fn a_wrong_name_or_parameter_is_said_and_not_guessed() {
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
    fn a_base_url_picks_for_any_model_and_a_scripted_one_refines_it() {
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
