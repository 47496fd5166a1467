//! Reads a text from left to right, for the lexers of the pasted languages.

/// How far [`Cursor::take_through_soon`] looks ahead, in characters.
pub(super) const SOON: usize = 200;

/// A position in a text.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'t> {
    rest: &'t str,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Cursor<'t> {
        Cursor { rest: text }
    }

    /// What has not been read.
    pub(super) fn rest(&self) -> &'t str {
        self.rest
    }

    /// The next character, which stays unread.
    pub(super) fn peek(&self) -> Option<char> {
        self.rest.chars().next()
    }

    /// Reads one character.
    pub(super) fn next(&mut self) -> Option<char> {
        let mut characters = self.rest.chars();
        let character = characters.next();
        self.rest = characters.as_str();
        character
    }

    /// Reads `text` if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        match self.rest.strip_prefix(text) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Reads a line break (`\n` or `\r\n`) if it comes next.
    pub(super) fn eat_line_break(&mut self) -> bool {
        self.eat("\r\n") || self.eat("\n")
    }

    /// Reads spaces and tabs followed by a line break, if they come next.
    pub(super) fn eat_blank_line_end(&mut self) -> bool {
        let mut ahead = *self;
        ahead.take_while(|c| c == ' ' || c == '\t');
        let found = ahead.eat_line_break();
        if found {
            *self = ahead;
        }
        found
    }

    /// Reads characters as long as they match.
    pub(super) fn take_while(&mut self, matches: impl Fn(char) -> bool) -> &'t str {
        let length = self.rest.find(|c| !matches(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .unwrap_or((self.rest, ""));
        self.rest = rest;
        taken
    }

    /// Reads up to and including `end`, and returns what is before it. `None`, and nothing is read,
    /// if there is no `end`.
    pub(super) fn take_through(&mut self, end: &str) -> Option<&'t str> {
        let (taken, rest) = self.rest.split_once(end)?;
        self.rest = rest;
        Some(taken)
    }

    /// Like [`Cursor::take_through`], if `end` comes soon: what is searched again and again must not
    /// be long.
    pub(super) fn take_through_soon(&mut self, end: &str) -> Option<&'t str> {
        let soon = self
            .rest
            .char_indices()
            .nth(SOON)
            .map_or(self.rest.len(), |(at, _)| at);
        let taken = self.rest.get(..soon)?.split_once(end)?.0;
        self.rest = self.rest.get(taken.len() + end.len()..)?;
        Some(taken)
    }

    /// Reads the rest of the line with its line break, which is not returned.
    pub(super) fn take_line(&mut self) -> &'t str {
        let line = self
            .take_through("\n")
            .unwrap_or_else(|| self.take_while(|_| true));
        line.strip_suffix('\r').unwrap_or(line)
    }
}
