//! What an agent token may be used for.

/// One use of the server that needs a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Posting tasks.
    Post,
    /// Listing tasks and looking them up.
    Read,
    /// Calling the model endpoint through the gateway.
    Model,
}

impl Scope {
    /// The name of the scope in problems and in the documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Post => "post",
            Self::Read => "read",
            Self::Model => "model",
        }
    }
}

/// The scopes of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Scopes {
    post: bool,
    read: bool,
    model: bool,
}

impl Scopes {
    /// Posting and reading tasks.
    pub const TASKS: Self = Self {
        post: true,
        read: true,
        model: false,
    };
    /// Posting tasks only.
    pub const POST: Self = Self {
        post: true,
        read: false,
        model: false,
    };
    /// Reading tasks only.
    pub const READ: Self = Self {
        post: false,
        read: true,
        model: false,
    };
    /// Calling the model endpoint only.
    pub const MODEL: Self = Self {
        post: false,
        read: false,
        model: true,
    };

    /// Whether a scope is among these.
    #[must_use]
    pub fn include(self, scope: Scope) -> bool {
        match scope {
            Scope::Post => self.post,
            Scope::Read => self.read,
            Scope::Model => self.model,
        }
    }

    /// These scopes and the `others`.
    #[must_use]
    pub fn and(self, others: Self) -> Self {
        Self {
            post: self.post || others.post,
            read: self.read || others.read,
            model: self.model || others.model,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_add_up() {
        let both = Scopes::POST.and(Scopes::MODEL);
        assert!(both.include(Scope::Post) && both.include(Scope::Model));
        assert!(!both.include(Scope::Read));
        assert_eq!(Scopes::POST.and(Scopes::READ), Scopes::TASKS);
        assert!(!Scopes::default().include(Scope::Read));
    }
}
