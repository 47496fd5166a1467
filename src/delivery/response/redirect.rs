//! Redirects, and whether one only adds or removes the trailing slash of the path: then the server's
//! router sent it, and no task was taken. Any other redirect may follow a task that was stored.

use super::reply::{Redirect, ServerReply};

/// What a redirect from `url` does, by its status and `Location`, where the page can see them. Only
/// 301, 307 and 308 can adjust a slash (RFC 9110, section 15.4): 302 and 303 also lead from a task
/// that was stored to the list of tasks.
#[must_use]
pub fn of_response(url: &str, status: u16, location: Option<&str>) -> Redirect {
    let Some(location) = location.filter(|_| matches!(status, 301 | 307 | 308)) else {
        return Redirect::Elsewhere;
    };
    let is_path = location.starts_with('/') && !location.starts_with("//");
    let from = if is_path { path_and_query(url) } else { url };
    match other_spelling(from) {
        Some(other) if other == location => Redirect::AdjustsSlash,
        _ => Redirect::Elsewhere,
    }
}

/// What a redirect does whose status and target the browser hides, by the replies to a `GET` of the
/// posted URL and of its other spelling. The slash is proven if the first one redirects too and the
/// other one is a path that the server has. A server that stored the task and redirects to it does not
/// redirect a `GET`, and one that redirects to a sign-in page or another host redirects both.
#[must_use]
pub fn of_probes(posted: &ServerReply, other: &ServerReply) -> Redirect {
    let redirects = |reply: &ServerReply| {
        matches!(
            reply,
            ServerReply::Redirected { .. }
                | ServerReply::Http {
                    status: 300..=399,
                    ..
                }
        )
    };
    // The path exists: it has an answer, does not take GET, or asks for the token.
    let exists = matches!(
        other,
        ServerReply::Http {
            status: 200..=299 | 400 | 401 | 403 | 405 | 415 | 422,
            ..
        }
    );
    if redirects(posted) && exists {
        Redirect::AdjustsSlash
    } else {
        Redirect::Hidden
    }
}

/// The URL with a trailing slash if its path has none, and without it if it has one. `None` if there
/// is no path but `/`.
#[must_use]
pub fn other_spelling(url: &str) -> Option<String> {
    let (base, query) = match url.split_once('?') {
        Some((base, query)) => (base, format!("?{query}")),
        None => (url, String::new()),
    };
    let path = path_and_query(base);
    if path.is_empty() || path == "/" {
        return None;
    }
    Some(match base.strip_suffix('/') {
        Some(without) => format!("{without}{query}"),
        None => format!("{base}/{query}"),
    })
}

/// The part of a URL that follows the host; of a path, the path itself.
pub(super) fn path_and_query(url: &str) -> &str {
    let after_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = url.get(after_scheme..).unwrap_or_default();
    let start = rest.find('/').unwrap_or(rest.len());
    rest.get(start..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_redirect_to_the_other_spelling_adjusts_the_slash() {
        let url = "https://a.example:8443/tasks?queue=blue";
        for (status, location, expected) in [
            (
                307,
                "https://a.example:8443/tasks/?queue=blue",
                Redirect::AdjustsSlash,
            ),
            (308, "/tasks/?queue=blue", Redirect::AdjustsSlash),
            (301, "/tasks/?queue=blue", Redirect::AdjustsSlash),
            // After a POST, these say "done, look there".
            (302, "/tasks/?queue=blue", Redirect::Elsewhere),
            (303, "/tasks/?queue=blue", Redirect::Elsewhere),
            (307, "/tasks/", Redirect::Elsewhere),
            (307, "/tasks?queue=blue", Redirect::Elsewhere),
            (307, "/login", Redirect::Elsewhere),
            (
                307,
                "//a.example:8443/tasks/?queue=blue",
                Redirect::Elsewhere,
            ),
            (
                307,
                "https://b.example/tasks/?queue=blue",
                Redirect::Elsewhere,
            ),
            (
                307,
                "http://a.example:8443/tasks/?queue=blue",
                Redirect::Elsewhere,
            ),
        ] {
            let found = of_response(url, status, Some(location));
            assert_eq!(found, expected, "{status} {location}");
        }
        assert_eq!(of_response(url, 307, None), Redirect::Elsewhere);
        let without = of_response("http://localhost:1/t/", 307, Some("/t"));
        assert_eq!(without, Redirect::AdjustsSlash);
        let root = of_response("http://localhost:1", 307, Some("/"));
        assert_eq!(root, Redirect::Elsewhere);
    }

    #[test]
    fn the_other_spelling_differs_in_the_slash_alone() {
        for (url, other) in [
            ("https://a.example/tasks", Some("https://a.example/tasks/")),
            ("https://a.example/v1/t/", Some("https://a.example/v1/t")),
            ("http://[::1]:80/t?a=b/", Some("http://[::1]:80/t/?a=b/")),
            ("https://a.example", None),
            ("https://a.example/", None),
        ] {
            assert_eq!(other_spelling(url).as_deref(), other, "{url}");
        }
    }

    #[test]
    fn the_slash_is_proven_only_by_a_redirect_here_and_a_path_there() {
        let hidden = || ServerReply::Redirected {
            redirect: Redirect::Hidden,
        };
        let http = |status| ServerReply::Http {
            status,
            content_type: None,
            retry_after: None,
            location: None,
            replayed: false,
            body: String::new(),
        };
        let none = || ServerReply::None {
            message: "Failed to fetch".into(),
        };
        for (name, posted, other, expected) in [
            (
                "the other spelling takes POST only",
                hidden(),
                http(405),
                true,
            ),
            ("the other spelling lists tasks", hidden(), http(200), true),
            (
                "the other spelling needs the token",
                hidden(),
                http(401),
                true,
            ),
            ("the status is visible", http(307), http(422), true),
            (
                "stored, then redirected to the task",
                http(200),
                http(404),
                false,
            ),
            ("everything needs a sign-in", hidden(), hidden(), false),
            ("no such path there", hidden(), http(404), false),
            ("the server is in trouble", hidden(), http(502), false),
            ("no response there", hidden(), none(), false),
            ("no response here", none(), http(405), false),
        ] {
            let found = of_probes(&posted, &other);
            assert_eq!(found == Redirect::AdjustsSlash, expected, "{name}");
        }
    }
}
