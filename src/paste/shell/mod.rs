//! Splits a pasted command line into words, by the rules of the shell that it was written for.
//!
//! The `shlex` crate reads POSIX quoting only: it has no `$'…'`, which browsers write, and it does
//! not tell a variable from its text. So the words are read here.

mod bash;
mod cmd;

use super::cursor::Cursor;
use super::word::Word;

/// A command and what it reads from its standard input.
#[derive(Default)]
pub(super) struct ShellCommand {
    /// The name of the program and its arguments.
    pub(super) words: Vec<Word>,
    /// The text of a here-document or here-string.
    pub(super) input: Option<Word>,
    /// Whether the text ends inside quotation marks.
    pub(super) is_unclosed: bool,
}

/// The shell that a command was written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Bash, zsh and other POSIX shells.
    Bash,
    /// The command prompt of Windows.
    Cmd,
    /// PowerShell.
    PowerShell,
}

impl Dialect {
    /// Guesses the shell from prompt, line continuations and quoting.
    pub(super) fn guess(text: &str) -> Dialect {
        let lines = text.lines().map(str::trim);
        let is_prompt_of_powershell = |line: &str| line.starts_with("PS ") && line.contains('>');
        let is_prompt_of_cmd = |line: &str| {
            let mut characters = line.chars();
            characters.next().is_some_and(|c| c.is_ascii_alphabetic())
                && characters.as_str().starts_with(":\\")
                && line.contains('>')
        };
        let ends_with = |sign: char| lines.clone().any(|line| line.ends_with(sign));
        let begins = |is_prompt: &dyn Fn(&str) -> bool| lines.clone().any(is_prompt);
        if ends_with('`') || begins(&is_prompt_of_powershell) {
            Dialect::PowerShell
        } else if ends_with('^') || text.contains("^\"") || begins(&is_prompt_of_cmd) {
            Dialect::Cmd
        } else if ["curl.exe", "$env:", "@'\n", "@\"\n", "@'\r\n", "@\"\r\n"]
            .iter()
            .any(|sign| text.contains(sign))
        {
            Dialect::PowerShell
        } else if text.contains("{\"\"") {
            Dialect::Cmd
        } else {
            Dialect::Bash
        }
    }

    /// The commands of a text, in order. Only Bash and the command prompt are read here.
    pub(super) fn commands(self, text: &str) -> Vec<ShellCommand> {
        match self {
            Dialect::Cmd => cmd::commands(text),
            Dialect::Bash | Dialect::PowerShell => bash::commands(text),
        }
    }
}

/// Maximum number of commands, and of words in one, to read.
const MAX_COMMANDS: usize = 1_000;
const MAX_WORDS: usize = 10_000;

/// Reads the name of a variable.
fn take_name<'t>(cursor: &mut Cursor<'t>) -> &'t str {
    match cursor.peek() {
        Some(first) if first.is_ascii_alphabetic() || first == '_' => {
            cursor.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
        }
        _ => "",
    }
}

/// A line without the prompt of a shell: `$ `, `% `, `> `, `user@host:~$ `, `C:\>`, `PS C:\>`.
pub(super) fn without_prompt(line: &str) -> &str {
    let line = line.trim_start();
    for prompt in ["$ ", "% ", "> ", "# ", "❯ ", "➜ "] {
        if let Some(rest) = line.strip_prefix(prompt) {
            return rest.trim_start();
        }
    }
    let Some((prompt, rest)) = line.split_once(['>', '$', '%', '#']) else {
        return line;
    };
    let is_path = prompt.get(1..).is_some_and(|rest| rest.starts_with(":\\"))
        || prompt.starts_with("PS ")
        || (prompt.contains('@') && !prompt.contains(['"', '\'', '(']));
    if is_path && prompt.len() < 200 {
        rest.trim_start()
    } else {
        line
    }
}
