//! What is wrong with a task, at the fields that it is about.

use std::collections::HashMap;

use super::{Field, Sheet};
use crate::schema::Violation;

/// Who says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemarkSource {
    /// The check against the task schema.
    Schema,
    /// The task server, about the text as it is.
    Server,
    /// The task server, about a text that was edited since.
    ServerBeforeEdit,
}

/// A sentence about a field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Who says so.
    pub source: RemarkSource,
    /// The location that it is about, as a JSON Pointer, if that is not the field's own: a value that
    /// the task does not have or that is shown within its container.
    pub elsewhere: Option<String>,
    /// What is wrong.
    pub message: String,
}

/// The remarks about the fields of a sheet.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remarks {
    by_field: HashMap<usize, Vec<Remark>>,
}

impl Remarks {
    /// Places violations and the server's reasons (location and message) at their fields. What is
    /// about a value that is not a field is placed at the nearest container that is one.
    #[must_use]
    pub fn new<'r>(
        sheet: &Sheet,
        violations: &[Violation],
        reasons: impl IntoIterator<Item = (&'r str, &'r str)>,
        reasons_source: RemarkSource,
    ) -> Remarks {
        // Of fields with the same location, the last one is what most parsers read.
        let fields: HashMap<&str, usize> = sheet
            .fields()
            .map(|field| (field.key.pointer.as_str(), field.ordinal))
            .collect();
        let mut remarks = Remarks::default();
        let mut add = |source, location: &str, message: &str| {
            let mut place = location;
            let ordinal = loop {
                if let Some(ordinal) = fields.get(place) {
                    break *ordinal;
                }
                match place.rfind('/').and_then(|end| place.get(..end)) {
                    Some(container) => place = container,
                    None => {
                        place = "";
                        break sheet.root.ordinal;
                    }
                }
            };
            let of_field = remarks.by_field.entry(ordinal).or_default();
            of_field.push(Remark {
                source,
                elsewhere: (place != location).then(|| location.to_owned()),
                message: message.to_owned(),
            });
        };
        for violation in violations {
            add(
                RemarkSource::Schema,
                &violation.instance_path,
                &violation.message,
            );
        }
        for (location, message) in reasons {
            add(reasons_source, location, message);
        }
        remarks
    }

    /// The remarks about a field, without those about fields inside it.
    #[must_use]
    pub fn of(&self, field: &Field) -> &[Remark] {
        self.by_field
            .get(&field.ordinal)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }
}
