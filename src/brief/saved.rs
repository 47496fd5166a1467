//! The briefs that the operator saved by name, with their earlier versions.

use serde::{Deserialize, Serialize};

use super::BriefForm;
use crate::text::{is_hidden, truncate_chars};

/// Maximum number of saved briefs.
pub const MAX_BRIEFS: usize = 200;
/// Maximum number of versions of a brief. A new one then replaces the oldest.
pub const MAX_VERSIONS: usize = 20;
/// Maximum length of a name, in characters.
pub const MAX_NAME: usize = 80;
/// Maximum size of a file with briefs: 4 MiB.
pub const MAX_FILE_BYTES: usize = 4 << 20;

/// The version of the format, in the browser and in files.
const FORMAT: u32 = 1;
/// The length of a name that is made from a goal, in characters.
const NAME_FROM_GOAL: usize = 50;

/// The saved briefs, in the order in which they were first saved.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SavedBriefs {
    briefs: Vec<SavedBrief>,
}

/// A brief with a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SavedBrief {
    /// The name, unique among the saved briefs.
    pub name: String,
    /// The versions, oldest first. There is at least one.
    pub versions: Vec<BriefVersion>,
}

/// A brief as it was saved.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BriefVersion {
    /// When, in milliseconds since 1970.
    pub saved_at: u64,
    /// What was typed.
    pub brief: BriefForm,
}

/// The briefs as they are stored, and as a file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    taskwright_briefs: u32,
    briefs: Vec<SavedBrief>,
}

/// Why briefs cannot be saved or read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SavedBriefsError {
    /// The name is missing.
    #[error("the name is missing")]
    NoName,
    /// The name cannot be used.
    #[error("a name has at most {MAX_NAME} characters and no hidden ones")]
    BadName,
    /// Another brief has the name.
    #[error("another brief is named “{name}”")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("there are already {MAX_BRIEFS} saved briefs")]
    TooMany,
    /// The brief to save is empty.
    #[error("the brief is empty")]
    Empty,
    /// The text is not one with briefs.
    #[error("these are not saved briefs: {reason}")]
    NotBriefs {
        /// Why not.
        reason: String,
    },
}

impl SavedBriefsError {
    /// A stable identifier of the kind of error.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            SavedBriefsError::NoName => "brief_name_missing",
            SavedBriefsError::BadName => "brief_name_invalid",
            SavedBriefsError::NameTaken { .. } => "brief_name_taken",
            SavedBriefsError::TooMany => "too_many_briefs",
            SavedBriefsError::Empty => "brief_empty",
            SavedBriefsError::NotBriefs { .. } => "briefs_malformed",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            SavedBriefsError::NoName => "Enter a name for the brief.",
            SavedBriefsError::BadName => "Enter a shorter name of visible characters.",
            SavedBriefsError::NameTaken { .. } => "Choose another name.",
            SavedBriefsError::TooMany => "Delete briefs that you no longer need.",
            SavedBriefsError::Empty => "Write the brief first, then save it.",
            SavedBriefsError::NotBriefs { .. } => "Choose a file that was exported from this list.",
        }
    }
}

impl SavedBriefs {
    /// Reads what [`SavedBriefs::to_text`] wrote.
    ///
    /// # Errors
    /// [`SavedBriefsError::NotBriefs`], also for a newer format or for more than the limits allow.
    pub fn parse(text: &str) -> Result<SavedBriefs, SavedBriefsError> {
        let not_briefs = |reason: String| SavedBriefsError::NotBriefs { reason };
        let file: File =
            serde_json::from_str(text).map_err(|error| not_briefs(error.to_string()))?;
        if file.taskwright_briefs != FORMAT {
            return Err(not_briefs(format!(
                "they have the format {}, and this page reads {FORMAT}",
                file.taskwright_briefs
            )));
        }
        if file.briefs.len() > MAX_BRIEFS {
            return Err(SavedBriefsError::TooMany);
        }
        let mut saved = SavedBriefs::default();
        for brief in file.briefs {
            checked_name(&brief.name)?;
            if !(1..=MAX_VERSIONS).contains(&brief.versions.len()) {
                let name = &brief.name;
                return Err(not_briefs(format!(
                    "“{name}” has not 1 to {MAX_VERSIONS} versions"
                )));
            }
            if saved.get(&brief.name).is_some() {
                return Err(SavedBriefsError::NameTaken { name: brief.name });
            }
            saved.briefs.push(brief);
        }
        Ok(saved)
    }

    /// The briefs as JSON, as they are stored and exported.
    #[must_use]
    pub fn to_text(&self) -> String {
        let file = File {
            taskwright_briefs: FORMAT,
            briefs: self.briefs.clone(),
        };
        // Texts and numbers can always be written.
        serde_json::to_string_pretty(&file).unwrap_or_default()
    }

    /// The briefs, in order.
    #[must_use]
    pub fn list(&self) -> &[SavedBrief] {
        &self.briefs
    }

    /// The brief with this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&SavedBrief> {
        self.briefs.iter().find(|brief| brief.name == name)
    }

    /// Saves a brief under a name, at this time in milliseconds since 1970. If the name is taken, it
    /// becomes the newest version of that brief, unless it is the newest already. Returns the number of
    /// versions.
    ///
    /// # Errors
    /// [`SavedBriefsError`]; nothing is changed then.
    pub fn save(
        &mut self,
        name: &str,
        brief: &BriefForm,
        saved_at: u64,
    ) -> Result<usize, SavedBriefsError> {
        let name = checked_name(name)?;
        if is_empty(brief) {
            return Err(SavedBriefsError::Empty);
        }
        let version = BriefVersion {
            saved_at,
            brief: brief.clone(),
        };
        if let Some(known) = self.briefs.iter_mut().find(|known| known.name == name) {
            if known.newest().is_none_or(|newest| newest.brief != *brief) {
                known.versions.push(version);
                let surplus = known.versions.len().saturating_sub(MAX_VERSIONS);
                known.versions.drain(..surplus);
            }
            return Ok(known.versions.len());
        }
        if self.briefs.len() >= MAX_BRIEFS {
            return Err(SavedBriefsError::TooMany);
        }
        self.briefs.push(SavedBrief {
            name: name.to_owned(),
            versions: vec![version],
        });
        Ok(1)
    }

    /// Keeps a brief that is about to be replaced in the form: under a name made from its goal, unless it
    /// is empty or a saved version already. Returns the name if it was saved.
    ///
    /// # Errors
    /// [`SavedBriefsError::TooMany`].
    pub fn keep(
        &mut self,
        brief: &BriefForm,
        saved_at: u64,
    ) -> Result<Option<String>, SavedBriefsError> {
        let mut versions = self.briefs.iter().flat_map(|known| &known.versions);
        if is_empty(brief) || versions.any(|version| version.brief == *brief) {
            return Ok(None);
        }
        let name = self.unused_name(&name_from(brief));
        self.save(&name, brief, saved_at)?;
        Ok(Some(name))
    }

    /// Gives a brief another name.
    ///
    /// # Errors
    /// [`SavedBriefsError`]; nothing is changed then.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<(), SavedBriefsError> {
        let to = checked_name(to)?;
        if to != from && self.get(to).is_some() {
            let name = to.to_owned();
            return Err(SavedBriefsError::NameTaken { name });
        }
        if let Some(brief) = self.briefs.iter_mut().find(|brief| brief.name == from) {
            to.clone_into(&mut brief.name);
        }
        Ok(())
    }

    /// Removes a brief, and returns it with its place in the list.
    pub fn delete(&mut self, name: &str) -> Option<(usize, SavedBrief)> {
        let place = self.briefs.iter().position(|brief| brief.name == name)?;
        Some((place, self.briefs.remove(place)))
    }

    /// Puts a deleted brief back in its place, under another name if its own is taken now. Returns the
    /// name.
    ///
    /// # Errors
    /// [`SavedBriefsError::TooMany`].
    pub fn restore(&mut self, place: usize, brief: SavedBrief) -> Result<String, SavedBriefsError> {
        if self.briefs.len() >= MAX_BRIEFS {
            return Err(SavedBriefsError::TooMany);
        }
        let name = self.unused_name(&brief.name);
        let place = place.min(self.briefs.len());
        let named = SavedBrief {
            name: name.clone(),
            ..brief
        };
        self.briefs.insert(place, named);
        Ok(name)
    }

    /// Adds the briefs of a file. One whose name is taken by another brief gets a number; one that is
    /// here already is left out. Returns the names of the added ones.
    ///
    /// # Errors
    /// [`SavedBriefsError`]; either all briefs of the file are added or none.
    pub fn import(&mut self, text: &str) -> Result<Vec<String>, SavedBriefsError> {
        let mut all = self.clone();
        let mut names = Vec::new();
        for brief in SavedBriefs::parse(text)?.briefs {
            if all.get(&brief.name) != Some(&brief) {
                names.push(all.restore(usize::MAX, brief)?);
            }
        }
        *self = all;
        Ok(names)
    }

    /// The name, with a number if it is taken.
    fn unused_name(&self, name: &str) -> String {
        if self.get(name).is_none() {
            return name.to_owned();
        }
        let short: String = name.chars().take(MAX_NAME - 5).collect();
        (2..)
            .map(|number| format!("{short} {number}"))
            .find(|name| self.get(name).is_none())
            .unwrap_or(short)
    }
}

impl SavedBrief {
    /// The version that was saved last.
    #[must_use]
    pub fn newest(&self) -> Option<&BriefVersion> {
        self.versions.last()
    }
}

/// The name without surrounding spaces.
fn checked_name(name: &str) -> Result<&str, SavedBriefsError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(SavedBriefsError::NoName);
    }
    if name.chars().count() > MAX_NAME || name.chars().any(is_hidden) {
        return Err(SavedBriefsError::BadName);
    }
    Ok(name)
}

/// Whether a brief has no text at all.
fn is_empty(brief: &BriefForm) -> bool {
    let texts = [&brief.goal, &brief.context, &brief.rules];
    texts.iter().all(|text| text.trim().is_empty())
}

/// A name made from the goal of a brief, or from its other texts.
fn name_from(brief: &BriefForm) -> String {
    let texts = [&brief.goal, &brief.context, &brief.rules];
    let mut lines = texts.iter().flat_map(|text| text.lines());
    let first = lines.find(|line| !line.trim().is_empty());
    let visible: String = first
        .unwrap_or_default()
        .chars()
        .filter(|it| !is_hidden(*it))
        .collect();
    match visible.trim() {
        "" => "Unnamed brief".to_owned(),
        name => truncate_chars(name, NAME_FROM_GOAL),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn brief(goal: &str) -> BriefForm {
        BriefForm {
            goal: goal.to_owned(),
            ..BriefForm::default()
        }
    }

    fn names(saved: &SavedBriefs) -> Vec<&str> {
        saved.list().iter().map(|brief| &*brief.name).collect()
    }

    #[test]
    fn saving_under_a_known_name_adds_a_version_unless_nothing_changed() {
        let mut saved = SavedBriefs::default();
        assert_eq!(saved.save(" Weekly ", &brief("a"), 1), Ok(1));
        assert_eq!(saved.save("Weekly", &brief("b"), 2), Ok(2));
        assert_eq!(saved.save("Weekly", &brief("b"), 3), Ok(2));
        let weekly = saved.get("Weekly").unwrap();
        let times: Vec<u64> = weekly.versions.iter().map(|it| it.saved_at).collect();
        assert_eq!(times, [1, 2]);
        for time in 0..100 {
            saved
                .save("Weekly", &brief(&time.to_string()), time)
                .unwrap();
        }
        let weekly = saved.get("Weekly").unwrap();
        assert_eq!(weekly.versions.len(), MAX_VERSIONS);
        assert_eq!(weekly.newest().unwrap().brief, brief("99"));
    }

    #[test]
    fn names_and_briefs_that_cannot_be_saved_are_refused_and_nothing_changes() {
        let mut saved = SavedBriefs::default();
        for (name, goal, code) in [
            ("  ", "a", "brief_name_missing"),
            ("a\u{202e}b", "a", "brief_name_invalid"),
            (&*"x".repeat(81), "a", "brief_name_invalid"),
            ("a", " \n", "brief_empty"),
        ] {
            let error = saved.save(name, &brief(goal), 1).unwrap_err();
            assert_eq!(error.code(), code);
        }
        assert_eq!(saved, SavedBriefs::default());
        for number in 0..MAX_BRIEFS {
            saved.save(&format!("b{number}"), &brief("a"), 1).unwrap();
        }
        assert_eq!(
            saved.save("one more", &brief("a"), 1),
            Err(SavedBriefsError::TooMany)
        );
        assert_eq!(saved.save("b7", &brief("b"), 1), Ok(2));
    }

    #[test]
    fn a_brief_that_is_replaced_in_the_form_is_kept_once() {
        let mut saved = SavedBriefs::default();
        assert_eq!(saved.keep(&brief(" "), 1), Ok(None));
        let named = saved
            .keep(&brief("\n Sort the letters\nby hand"), 1)
            .unwrap();
        assert_eq!(named.as_deref(), Some("Sort the letters"));
        assert_eq!(
            saved.keep(&brief("\n Sort the letters\nby hand"), 2),
            Ok(None)
        );
        let other = saved.keep(&brief("Sort the letters"), 3).unwrap();
        assert_eq!(other.as_deref(), Some("Sort the letters 2"));
    }

    #[test]
    fn renaming_deleting_and_restoring_keep_versions_and_order() {
        let mut saved = SavedBriefs::default();
        for name in ["a", "b", "c"] {
            saved.save(name, &brief(name), 1).unwrap();
        }
        assert_eq!(
            saved.rename("a", "b"),
            Err(SavedBriefsError::NameTaken {
                name: "b".to_owned()
            })
        );
        saved.rename("b", "B").unwrap();
        let (place, removed) = saved.delete("B").unwrap();
        assert_eq!(names(&saved), ["a", "c"]);
        saved.save("B", &brief("new"), 2).unwrap();
        assert_eq!(saved.restore(place, removed), Ok("B 2".to_owned()));
        assert_eq!(names(&saved), ["a", "B 2", "c", "B"]);
    }

    #[test]
    fn what_is_exported_is_imported_once_beside_what_is_there() {
        let mut saved = SavedBriefs::default();
        saved
            .save("Weekly", &brief("a {{name}} \u{1f600}"), 1)
            .unwrap();
        saved.save("Weekly", &brief("b"), 2).unwrap();
        let text = saved.to_text();
        assert_eq!(SavedBriefs::parse(&text), Ok(saved.clone()));
        assert_eq!(saved.import(&text), Ok(Vec::new()));
        let mut other = SavedBriefs::default();
        other.save("Weekly", &brief("mine"), 5).unwrap();
        assert_eq!(other.import(&text), Ok(vec!["Weekly 2".to_owned()]));
        assert_eq!(other.get("Weekly").unwrap().versions.len(), 1);
        assert_eq!(
            other.get("Weekly 2").unwrap().versions,
            saved.list()[0].versions
        );
    }

    #[test]
    fn texts_that_hold_no_briefs_are_refused() {
        let version = r#"{"saved_at":1,"brief":{"goal":"","context":"","rules":"","count":"3"}}"#;
        let one = format!(r#"{{"name":"a","versions":[{version}]}}"#);
        for (text, code) in [
            ("".to_owned(), "briefs_malformed"),
            ("[]".to_owned(), "briefs_malformed"),
            (
                r#"{"taskwright_briefs":2,"briefs":[]}"#.to_owned(),
                "briefs_malformed",
            ),
            (
                r#"{"taskwright_briefs":1,"briefs":[{"name":"a","versions":[]}]}"#.to_owned(),
                "briefs_malformed",
            ),
            (
                format!(r#"{{"taskwright_briefs":1,"briefs":[{one},{one}]}}"#),
                "brief_name_taken",
            ),
            (
                r#"{"taskwright_briefs":1,"briefs":[{"name":"","versions":[]}]}"#.to_owned(),
                "brief_name_missing",
            ),
        ] {
            let error = SavedBriefs::parse(&text).unwrap_err();
            assert_eq!(error.code(), code, "{text}");
            assert!(SavedBriefs::default().import(&text).is_err());
        }
    }
}
