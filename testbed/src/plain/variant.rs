//! Variants of the plain task server, by name.

use thiserror::Error;

use super::refusal::{Contradiction, Refusal};

/// What the server does with a post whose agent token and body are valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Stores, 200 with `{"task_id": N}`.
    Ok200,
    /// Stores, 201 with `{"id": "N"}` and `Location`.
    Created201,
    /// Stores, 202 with the id as `data.task.uuid`.
    Accepted202,
    /// Stores, 200 with a body without an id.
    NoId,
    /// Stores, 204 without a body.
    Empty204,
    /// Stores, 200 with `OK` as plain text.
    Text,
    /// Stores, then fails like an unhandled exception: 500 without CORS headers.
    Error500NoCors,
    /// 401 for the original token; the renewed one is accepted.
    Unauthorized,
    /// 403 for the original token; the renewed one is accepted.
    Forbidden,
    /// 503 with a `Retry-After` that a page can read.
    Error503RetryAfter,
    /// 503 with a `Retry-After` that a page cannot read.
    Error503Hidden,
    /// 429 with a `Retry-After` that a page can read.
    Rate429,
    /// 429 with a `Retry-After` that a page cannot read.
    Rate429Hidden,
    /// 409 with the bare words of the status.
    Error409,
    /// 409 for a duplicate.
    Duplicate409,
    /// 409 for a request that is still being processed.
    InProgress409,
    /// 403 with the page of a firewall if the body has this text, otherwise as [`Behaviour::Ok200`].
    Blocks(String),
    /// A refusal of the member `title`, in this form.
    Refusal(Refusal),
    /// A 200 that reports a failure, in this form.
    Contradiction(Contradiction),
    /// 200 with HTML.
    Html,
    /// 200 with a JSON-RPC 2.0 error.
    JsonRpc,
    /// Stores, and never responds.
    Hang,
    /// Stores, and resets the connection.
    Drop,
    /// Resets the connection without storing.
    DropUnstored,
    /// Stores, then 303 to the stored task.
    SeeOther303AfterStore,
    /// Stores, then 503 without `Retry-After`.
    Error503AfterStore,
    /// 200 with HTML that does not begin with a tag of HTML.
    HtmlHidden,
    /// 200 with `{"success": false}`.
    SuccessFalse,
    /// This status with `{"detail"}`, without storing.
    Status(u16),
    /// 422 if the body lacks this member, otherwise as [`Behaviour::Ok200`].
    Requires(String),
    /// 422 if the body has this member, otherwise as [`Behaviour::Ok200`].
    Forbids(String),
    /// The path has a trailing slash: 307 without it, [`Behaviour::Ok200`] with it.
    Redirect307,
    /// Repeats the agent token, as careless servers do.
    Echo(Echo),
}

/// Where the agent token is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Echo {
    /// In the status line, the headers and the `detail` of this status, without storing.
    Status(u16),
    /// In a web page with status 502, without storing.
    Html,
    /// In the id and the body of a 201. Stores.
    Receipt,
}

/// The posts that a behaviour applies to. Posts of a bucket count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    All,
    First(u64),
    After(u64),
}

/// A behaviour and the posts that it applies to: `rate429`, `rate429_first_2`,
/// `unauthorized_after_3`. The other posts get [`Behaviour::Ok200`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    behaviour: Behaviour,
    scope: Scope,
}

/// The name of a variant that does not exist.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("There is no variant `{0}`.")]
pub struct UnknownVariant(pub String);

impl Variant {
    /// Parses the name of a variant.
    ///
    /// # Errors
    /// When there is no such variant.
    pub fn parse(name: &str) -> Result<Self, UnknownVariant> {
        let unknown = || UnknownVariant(name.to_owned());
        let counted = |separator: &str| {
            let (behaviour, count) = name.rsplit_once(separator)?;
            Some((behaviour, count.parse::<u64>().ok()?))
        };
        let (behaviour, scope) = if let Some((behaviour, count)) = counted("_first_") {
            (behaviour, Scope::First(count))
        } else if let Some((behaviour, count)) = counted("_after_") {
            (behaviour, Scope::After(count))
        } else {
            (name, Scope::All)
        };
        Ok(Self {
            behaviour: Behaviour::parse(behaviour).ok_or_else(unknown)?,
            scope,
        })
    }

    /// The behaviour for the post with this number.
    #[must_use]
    pub fn behaviour(&self, number: u64) -> &Behaviour {
        let applies = match self.scope {
            Scope::All => true,
            Scope::First(count) => number < count,
            Scope::After(count) => number >= count,
        };
        if applies {
            &self.behaviour
        } else {
            &Behaviour::Ok200
        }
    }

    /// Whether the path has a trailing slash.
    #[must_use]
    pub fn has_slash(&self) -> bool {
        self.behaviour == Behaviour::Redirect307
    }

    /// Whether every response closes its connection. If a reused connection breaks, a browser repeats
    /// the request by itself, even a `POST`. If a new one breaks, it reports the failure to the page.
    #[must_use]
    pub fn closes_connections(&self) -> bool {
        matches!(self.behaviour, Behaviour::Drop | Behaviour::DropUnstored)
    }
}

impl Behaviour {
    /// Parses the name of a behaviour.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "ok200" => Self::Ok200,
            "created201" => Self::Created201,
            "accepted202" => Self::Accepted202,
            "noid" => Self::NoId,
            "empty204" => Self::Empty204,
            "text" => Self::Text,
            "error500_nocors" => Self::Error500NoCors,
            "unauthorized" => Self::Unauthorized,
            "forbidden" => Self::Forbidden,
            "error503_retry_after" => Self::Error503RetryAfter,
            "error503_hidden" => Self::Error503Hidden,
            "rate429" => Self::Rate429,
            "rate429_hidden" => Self::Rate429Hidden,
            "error409" => Self::Error409,
            "duplicate409" => Self::Duplicate409,
            "in_progress409" => Self::InProgress409,
            "html" => Self::Html,
            "jsonrpc" => Self::JsonRpc,
            "hang" => Self::Hang,
            "drop" => Self::Drop,
            "drop_unstored" => Self::DropUnstored,
            "303_after_store" => Self::SeeOther303AfterStore,
            "503_after_store" => Self::Error503AfterStore,
            "html_hidden" => Self::HtmlHidden,
            "success_false" => Self::SuccessFalse,
            "redirect307" => Self::Redirect307,
            _ => return Self::parse_with_argument(name),
        })
    }

    fn parse_with_argument(name: &str) -> Option<Self> {
        let (kind, argument) = name.split_once('_')?;
        if argument.is_empty() {
            return None;
        }
        match kind {
            "status" => argument
                .parse()
                .ok()
                .filter(|status| (400..600).contains(status))
                .map(Self::Status),
            "echo" => Some(Self::Echo(match argument {
                "html" => Echo::Html,
                "receipt" => Echo::Receipt,
                status => Echo::Status(
                    status
                        .parse()
                        .ok()
                        .filter(|status| (400..600).contains(status))?,
                ),
            })),
            "blocks" => Some(Self::Blocks(argument.to_owned())),
            "refusal" => Refusal::parse(argument).map(Self::Refusal),
            "contradiction" => Contradiction::parse(argument).map(Self::Contradiction),
            "requires" => Some(Self::Requires(argument.to_owned())),
            "forbids" => Some(Self::Forbids(argument.to_owned())),
            _ => None,
        }
    }

    /// The behaviour that the title of a task names in brackets: `Tidy up [error409]`. `[500]` is short
    /// for `[error500_nocors]`.
    #[must_use]
    pub fn in_title(title: &str) -> Option<Self> {
        let (_, rest) = title.rsplit_once('[')?;
        let (name, _) = rest.split_once(']')?;
        match name {
            "500" => Some(Self::Error500NoCors),
            name => Self::parse(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_a_behaviour_and_its_scope() {
        let always = Variant::parse("error409").unwrap();
        assert_eq!(always.behaviour(0), &Behaviour::Error409);
        let first = Variant::parse("rate429_first_2").unwrap();
        assert_eq!(first.behaviour(1), &Behaviour::Rate429);
        assert_eq!(first.behaviour(2), &Behaviour::Ok200);
        let after = Variant::parse("unauthorized_after_3").unwrap();
        assert_eq!(after.behaviour(2), &Behaviour::Ok200);
        assert_eq!(after.behaviour(3), &Behaviour::Unauthorized);
        assert_eq!(
            Variant::parse("status_418_first_1").unwrap().behaviour(0),
            &Behaviour::Status(418)
        );
        assert_eq!(
            Variant::parse("requires_title").unwrap().behaviour(9),
            &Behaviour::Requires("title".to_owned())
        );
        assert_eq!(
            Variant::parse("refusal_zod").unwrap().behaviour(0),
            &Behaviour::Refusal(Refusal::Zod)
        );
        assert_eq!(
            Variant::parse("echo_422_first_1").unwrap().behaviour(0),
            &Behaviour::Echo(Echo::Status(422))
        );
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        for name in [
            "",
            "ok",
            "status_200",
            "status_600",
            "status_x",
            "requires_",
            "refusal_soap",
            "contradiction_",
            "echo_",
            "echo_200",
            "ok200_first_x",
        ] {
            assert!(Variant::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_title_can_name_a_behaviour() {
        for (title, behaviour) in [
            ("Tidy up [500]", Some(Behaviour::Error500NoCors)),
            ("[error409] Tidy up", Some(Behaviour::Error409)),
            ("Tidy [up] [drop]", Some(Behaviour::Drop)),
            ("Tidy up", None),
            ("Tidy [up]", None),
            ("Tidy ]up[", None),
        ] {
            assert_eq!(Behaviour::in_title(title), behaviour, "{title}");
        }
    }
}
