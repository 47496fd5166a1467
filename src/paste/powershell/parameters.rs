//! The parameters of `Invoke-RestMethod`.

use super::super::literal::{Literal, Variables, add_headers};
use super::super::request::RawRequest;
use super::super::word::Word;
use super::Argument;

/// Makes a request of the arguments of `Invoke-RestMethod`.
pub(super) fn request(arguments: Vec<Argument>, variables: &mut Variables) -> RawRequest {
    let mut request = RawRequest::default();
    let mut arguments = arguments.into_iter().peekable();
    while let Some(argument) = arguments.next() {
        match argument {
            Argument::Value(value) => {
                if request.url.is_none() {
                    request.url = Some(value.to_word());
                }
            }
            Argument::Parameter(name) => {
                let value = arguments
                    .next_if(|next| !matches!(next, Argument::Parameter(_)))
                    .and_then(|next| match next {
                        Argument::Value(value) => Some(value),
                        _ => None,
                    });
                if let Some(value) = apply(&mut request, &name, value) {
                    request.url.get_or_insert(value.to_word());
                }
            }
            Argument::Splat(name) => match variables.get(&name) {
                Some(Literal::Table(members)) => {
                    for (name, value) in members {
                        apply(&mut request, &name, Some(value));
                    }
                }
                _ => request.notices.missing(format!(
                    "The parameters are in @{}, which the text does not define.",
                    crate::text::truncate_chars(&name, 60)
                )),
            },
        }
    }
    request
}

/// Applies a parameter. Returns the value of a switch, which is a positional argument.
fn apply(request: &mut RawRequest, name: &str, value: Option<Literal>) -> Option<Literal> {
    let name = name.trim_start_matches('-').to_ascii_lowercase();
    // A unique beginning of a parameter's name is enough.
    let is = |full: &str, shortest: usize| name.len() >= shortest && full.starts_with(&name);
    let Some(value) = value else {
        if is("usedefaultcredentials", 4) {
            request
                .notices
                .left_out("The call signs in as the user of Windows, which a page cannot do.");
        } else if is("skipcertificatecheck", 5) {
            certificate_is_checked(request);
        }
        return None;
    };
    if is("uri", 1) {
        request.url = Some(value.to_word());
    } else if is("method", 3) || is("custommethod", 3) {
        request.method = Some(value.to_word().text().to_owned());
    } else if is("headers", 1) {
        add_headers(request, &value);
    } else if is("contenttype", 5) {
        request
            .headers
            .push((Word::new("Content-Type"), value.to_word()));
    } else if is("body", 1) {
        apply_body(request, value);
    } else if is("token", 2) {
        let mut header = Word::new("Bearer ");
        header.append(&value.to_word());
        request.headers.push((Word::new("Authorization"), header));
    } else if is("credential", 2) {
        request.notices.missing(
            "The call signs in with credentials that the text does not have. Enter the token.",
        );
    } else if is("websession", 4) {
        if matches!(&value, Literal::Table(members) if members.iter().any(|(name, _)| name == "cookies"))
        {
            request.headers.push((Word::new("Cookie"), Word::default()));
        }
    } else if is("infile", 3) {
        request.notices.missing(
            "The call reads a file, which the page cannot read. Paste the contents of the file as an example.",
        );
    } else if is("form", 2) {
        request
            .notices
            .left_out("The call sends a form with files. The page can post JSON only.");
    } else if is("skipcertificatecheck", 5) {
        certificate_is_checked(request);
        return Some(value);
    } else if is("usebasicparsing", 4)
        || is("allowunencryptedauthentication", 6)
        || is("passthru", 5)
        || is("resume", 6)
        || is("skipheadervalidation", 6)
        || is("skiphttperrorcheck", 6)
        || is("verbose", 2)
    {
        return Some(value);
    }
    None
}

fn apply_body(request: &mut RawRequest, value: Literal) {
    match value {
        // A hashtable becomes a form.
        Literal::Table(_) | Literal::List(_) => {
            request.notices.changed(
                "PowerShell sends this body as a form, because it is not converted by ConvertTo-Json. It was read as JSON.",
            );
            request.body = Some(value.to_json());
        }
        Literal::Unknown(name) => request.notices.missing(format!(
            "The body is in {}, which the text does not define.",
            crate::text::truncate_chars(&name, 60)
        )),
        other => request.body = Some(other.to_word()),
    }
}

fn certificate_is_checked(request: &mut RawRequest) {
    request
        .notices
        .left_out("The call does not check the server's certificate. The browser always does.");
}
