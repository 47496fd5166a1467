//! Recognises web pages and XML documents where JSON was expected: sign-in pages, error pages of
//! proxies, captive portals. Depends on no other module.

/// Whether a response body is HTML or XML in any form.
///
/// It is if its first character is `<`, because JSON and the plain text of a task server never start
/// with it. Whitespace, byte order marks and bytes that are not text are skipped before that. It
/// also is if `content_type` names HTML or XML, unless the body starts like a JSON object or array:
/// PHP sends JSON as `text/html` unless it is told otherwise. An empty body is neither.
#[must_use]
pub fn is_markup(content_type: Option<&str>, body: &[u8]) -> bool {
    let text = String::from_utf8_lossy(body);
    match text.chars().find(|c| !is_blank(*c)) {
        None | Some('{' | '[') => false,
        Some('<') => true,
        Some(_) => content_type.is_some_and(is_markup_type),
    }
}

/// Whether a media type (RFC 9110, section 8.3.1) is HTML or XML. Parameters are ignored.
fn is_markup_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default();
    let essence = essence.trim().to_ascii_lowercase();
    matches!(
        essence.as_str(),
        "text/html" | "text/xml" | "application/xml"
    ) || essence.ends_with("+xml")
}

/// Whether a character may precede the first one that counts. Decoding with replacement turns the
/// byte order mark of UTF-16 into U+FFFD, and its characters into pairs with U+0000.
fn is_blank(c: char) -> bool {
    c.is_whitespace() || c.is_control() || matches!(c, '\u{FEFF}' | '\u{FFFD}' | '\u{200B}')
}

/// Whether the document is XML other than XHTML.
#[must_use]
pub fn is_xml(content_type: Option<&str>, body: &str) -> bool {
    let is_html_type = content_type.is_some_and(|content_type| {
        let content_type = content_type.to_ascii_lowercase();
        content_type.contains("html")
    });
    let lower = body.to_ascii_lowercase();
    let starts_as_xml = lower.trim_start_matches(is_blank).starts_with("<?xml");
    let is_xml_type = content_type.is_some_and(is_markup_type) && !is_html_type;
    !is_html_type && (starts_as_xml || is_xml_type) && !lower.contains("<html")
}

/// The title of a web page, if it has one.
#[must_use]
pub fn title(body: &str) -> Option<&str> {
    let lower = body.to_ascii_lowercase();
    let tag = lower.find("<title")?;
    let start = tag + lower.get(tag..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find("</title")?;
    let title = body.get(start..end)?.trim();
    (!title.is_empty()).then_some(title)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_is_recognised_in_every_form() {
        for body in [
            "<!DOCTYPE html><title>Sign in</title>",
            "\u{feff}<!DOCTYPE html>",
            "\u{feff}\r\n\t <html>",
            "<!-- proxy 7 --><html>",
            "<?xml version=\"1.0\"?><error/>",
            "<head><meta charset=utf-8>",
            "<script>location = '/login'</script>",
            "<meta http-equiv=refresh content=0>",
            "<p>OK",
            "<error code=\"1\"/>",
            "<br />\n<b>Warning</b>: mysqli {\"id\":1}",
        ] {
            assert!(is_markup(None, body.as_bytes()), "{body}");
            assert!(
                is_markup(Some("application/json"), body.as_bytes()),
                "{body}"
            );
        }
        let utf_16 = b"\xFF\xFE<\0!\0d\0o\0c\0t\0y\0p\0e\0";
        assert!(is_markup(None, utf_16));
        let late = format!("{}<html>", " \n".repeat(4_000));
        assert!(is_markup(None, late.as_bytes()));
    }

    #[test]
    fn the_content_type_decides_about_text() {
        for (content_type, body, expected) in [
            (Some("text/html"), "Please sign in", true),
            (Some("Text/HTML; charset=utf-8"), "OK", true),
            (Some("application/xhtml+xml"), "OK", true),
            (Some("application/problem+xml"), "no", true),
            (Some("text/xml"), "no", true),
            (Some("text/html"), "", false),
            (Some("text/html"), " \n\u{feff}", false),
            (Some("text/html"), "{\"id\":1}", false),
            (Some("text/html"), "\u{feff} [1]", false),
            (Some("text/plain"), "queued <b>", false),
            (Some("application/json"), "\"<b>\"", false),
            (None, "queued", false),
            (None, "1 < 2", false),
        ] {
            assert_eq!(
                is_markup(content_type, body.as_bytes()),
                expected,
                "{content_type:?} {body}"
            );
        }
    }

    #[test]
    fn xml_and_the_title_of_a_page_are_told_apart() {
        assert!(is_xml(None, "\u{feff}<?xml version=\"1.0\"?><error/>"));
        assert!(is_xml(Some("text/xml"), "<error/>"));
        assert!(!is_xml(None, "<?xml version=\"1.0\"?><html>"));
        assert!(!is_xml(Some("application/xhtml+xml"), "<?xml?>"));
        assert!(!is_xml(None, "<html>"));
        for (body, expected) in [
            ("<title>Sign in</title>", Some("Sign in")),
            ("<TITLE lang=\"en\"> Sign in </Title>", Some("Sign in")),
            ("<title></title>", None),
            ("<title>Sign in", None),
            ("<html>", None),
        ] {
            assert_eq!(title(body), expected, "{body}");
        }
    }
}
