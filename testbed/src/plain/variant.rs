//! The ways in which task servers differ, by name.

use thiserror::Error;

/// What a server does with a task that its token and its body allow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Stores, 200 with `{"task_id": N}`.
    Ok200,
    /// Stores, 201 with `{"id": "N"}` and `Location`.
    Created201,
    /// Stores, 202 with the id as `data.task.uuid`.
    Accepted202,
    /// Stores, 200 with a body that has no id.
    NoId,
    /// Stores, 204 without a body.
    Empty204,
    /// Stores, 200 with `OK` as plain text.
    Text,
    /// Stores, then fails as an unhandled exception does: 500 without cross-origin headers.
    Error500NoCors,
    /// 401 for the usual token; the renewed one is accepted.
    Unauthorized,
    /// 403 for the usual token; the renewed one is accepted.
    Forbidden,
    /// 503 with a `Retry-After` that a page can read.
    Error503RetryAfter,
    /// 503 with a `Retry-After` that a page cannot read.
    Error503Hidden,
    /// 429 with a `Retry-After` that a page can read.
    Rate429,
    /// 429 with a `Retry-After` that a page cannot read.
    Rate429Hidden,
    /// 409.
    Error409,
    /// 200 with a page of HTML.
    Html,
    /// 200 with an error of JSON-RPC 2.0.
    JsonRpc,
    /// Stores, and never answers.
    Hang,
    /// Stores, and resets the connection.
    Drop,
    /// Resets the connection without storing.
    DropUnstored,
    /// This status with `{"detail"}`, nothing stored.
    Status(u16),
    /// 422 where the body lacks this member, else as [`Behaviour::Ok200`].
    Requires(String),
    /// 422 where the body has this member, else as [`Behaviour::Ok200`].
    Forbids(String),
    /// Declared with a slash at the end: without it 307, with it as [`Behaviour::Ok200`].
    Redirect307,
}

/// Which requests a behaviour is for. Requests count from 0 within their bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turns {
    All,
    First(u64),
    After(u64),
}

/// A behaviour, and for which requests of a bucket it is: `rate429`, `rate429_first_2`,
/// `unauthorized_after_3`. The other requests get [`Behaviour::Ok200`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Variant {
    behaviour: Behaviour,
    turns: Turns,
}

/// A name that is no variant's.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("There is no variant `{0}` here.")]
pub struct UnknownVariant(pub String);

impl Variant {
    /// Reads a variant's name.
    ///
    /// # Errors
    /// When there is no such variant.
    pub fn parse(name: &str) -> Result<Self, UnknownVariant> {
        let unknown = || UnknownVariant(name.to_owned());
        let counted = |separator: &str| {
            let (behaviour, count) = name.rsplit_once(separator)?;
            Some((behaviour, count.parse::<u64>().ok()?))
        };
        let (behaviour, turns) = if let Some((behaviour, count)) = counted("_first_") {
            (behaviour, Turns::First(count))
        } else if let Some((behaviour, count)) = counted("_after_") {
            (behaviour, Turns::After(count))
        } else {
            (name, Turns::All)
        };
        Ok(Self {
            behaviour: Behaviour::parse(behaviour).ok_or_else(unknown)?,
            turns,
        })
    }

    /// What the request of this number gets.
    #[must_use]
    pub fn behaviour(&self, number: u64) -> &Behaviour {
        let applies = match self.turns {
            Turns::All => true,
            Turns::First(count) => number < count,
            Turns::After(count) => number >= count,
        };
        if applies {
            &self.behaviour
        } else {
            &Behaviour::Ok200
        }
    }

    /// Whether the path is declared with a slash at its end.
    #[must_use]
    pub fn has_slash(&self) -> bool {
        self.behaviour == Behaviour::Redirect307
    }

    /// Whether every answer closes its connection. A browser sends a request again by itself when
    /// a connection that was used before breaks, even a `POST`; on a fresh one it does not, and
    /// the page hears of the failure at once.
    #[must_use]
    pub fn closes_connections(&self) -> bool {
        matches!(self.behaviour, Behaviour::Drop | Behaviour::DropUnstored)
    }
}

impl Behaviour {
    /// Reads a behaviour's name.
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
            "html" => Self::Html,
            "jsonrpc" => Self::JsonRpc,
            "hang" => Self::Hang,
            "drop" => Self::Drop,
            "drop_unstored" => Self::DropUnstored,
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
            "requires" => Some(Self::Requires(argument.to_owned())),
            "forbids" => Some(Self::Forbids(argument.to_owned())),
            _ => None,
        }
    }

    /// The behaviour that a task's title asks for by a name in brackets: `Tidy up [error409]`.
    /// `[500]` is short for `[error500_nocors]`.
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
    fn a_name_says_what_happens_and_to_which_requests() {
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
    }

    #[test]
    fn a_name_that_is_none_is_said() {
        for name in [
            "",
            "ok",
            "status_200",
            "status_600",
            "status_x",
            "requires_",
            "ok200_first_x",
        ] {
            assert!(Variant::parse(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_title_can_ask_for_a_behaviour() {
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
