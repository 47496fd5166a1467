//! What `index.html` refers to.

use std::fs;
use std::path::Path;

use crate::error::Error;

/// The page, as text.
///
/// # Errors
/// [`Error::File`].
pub fn index(root: &Path) -> Result<String, Error> {
    read_text(&root.join("index.html"))
}

/// The style sheets of the page as one, in the order of `index`, without comments and indentation.
///
/// # Errors
/// [`Error::File`].
pub fn style_sheet(root: &Path, index: &str) -> Result<Vec<u8>, Error> {
    let paths = attribute_values(index, "<link rel=\"stylesheet\" href=\"");
    Ok(compact(&joined(root, &paths)?).into_bytes())
}

/// A style sheet without comments, indentation and empty lines. A line break is white space like any
/// other in CSS, and no string of ours goes over several lines.
fn compact(sheet: &str) -> String {
    let mut text = String::with_capacity(sheet.len());
    let mut rest = sheet;
    // A string may contain what begins a comment.
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(comment) = from.strip_prefix("/*") {
            text.push(' ');
            rest = comment.split_once("*/").map_or("", |(_, after)| after);
            continue;
        }
        let quote = from.chars().next().filter(|c| *c != '/');
        let end = quote.and_then(|quote| from.get(1..)?.find(quote));
        let (kept, after) = from.split_at(end.map_or(1, |end| end + 2));
        text.push_str(kept);
        rest = after;
    }
    text.push_str(rest);
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// The scripts that run before the module as one, in the order of `index`.
///
/// # Errors
/// [`Error::File`].
pub fn shell_script(root: &Path, index: &str) -> Result<Vec<u8>, Error> {
    let mut paths = attribute_values(index, "<script src=\"");
    paths.retain(|path| !path.ends_with("boot.js"));
    Ok(joined(root, &paths)?.into_bytes())
}

fn joined(root: &Path, paths: &[&str]) -> Result<String, Error> {
    let mut text = String::new();
    for path in paths {
        text.push_str(&read_text(&root.join(path))?);
    }
    Ok(text)
}

/// What follows each `prefix`, up to the next quotation mark.
fn attribute_values<'t>(text: &'t str, prefix: &str) -> Vec<&'t str> {
    text.split(prefix)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
        .collect()
}

fn read_text(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(Error::file("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_sheet_loses_its_comments_and_indentation_and_nothing_else() {
        let sheet = "/* The\n page. */\n\na {\n  color: red; /* not blue */\n  margin:\n    1px\n    2px;\n}\n\na::after {\n  content: \"/* kept */\";\n}\nb > c/d { x: 'y' }";
        assert_eq!(
            compact(sheet),
            "a {\ncolor: red;\nmargin:\n1px\n2px;\n}\na::after {\ncontent: \"/* kept */\";\n}\nb > c/d { x: 'y' }\n"
        );
    }
}
