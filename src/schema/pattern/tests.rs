use super::Pattern;

fn matches(pattern: &str, text: &str) -> bool {
    Pattern::parse(pattern).unwrap().matches(text)
}

/// Runs in a thread with as much stack as a module in a browser has.
fn with_little_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new()
        .stack_size(1 << 20)
        .spawn(test)
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn strings_match_as_in_ecmascript() {
    for (pattern, text, expected) in [
        ("^a*$", "", true),
        ("^a*$", "aaa", true),
        ("^a*$", "aab", false),
        ("^a*ab$", "aaab", true),
        ("^a{2,3}$", "a", false),
        ("^a{2,3}$", "aaa", true),
        ("^a{2,3}$", "aaaa", false),
        ("^(ab){2,}$", "abab", true),
        ("^(ab){2,}$", "ab", false),
        ("^(ab){0}$", "", true),
        ("^(ab){0}$", "ab", false),
        ("^(a|ab)(c|bcd)$", "abcd", true),
        ("^(aa|a)*b$", "aaab", true),
        ("^(a*)*$", "aaa", true),
        ("^(a*)*$", "aab", false),
        ("^(a*)+b$", "aab", true),
        ("^(a?){3}$", "a", true),
        ("^(a?){3}$", "aaaa", false),
        ("^(?:|a)*b$", "aab", true),
        ("b", "abc", true),
        ("^b", "abc", false),
        ("c$", "abc", true),
        (r"\bb\b", "a b c", true),
        (r"\bb\b", "abc", false),
        ("^(?=.*b)a", "acb", true),
        ("^(?=.*b)a", "acc", false),
        ("^(?!.*b)a", "acc", true),
        ("^(?!.*b)a", "acb", false),
        ("^(?=(?!ab)a)a", "ac", true),
        ("^(?=(?!ab)a)a", "ab", false),
        ("^[a-z0-9]+(-[a-z0-9]+)*$", "collect-release-notes", true),
        ("^[a-z0-9]+(-[a-z0-9]+)*$", "collect--notes", false),
        ("^$", "", true),
        ("a||b", "", true),
    ] {
        assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
    }
}

#[test]
fn no_pattern_exhausts_the_stack() {
    with_little_stack(|| {
        let rounds = 4_000;
        let text: String = ["ab", "cd", "ef", "gh"]
            .map(|it| it.repeat(rounds))
            .concat();
        assert!(matches("^(?:ab)*(?:cd)*(?:ef)*(?:gh)*$", &text));
        assert!(matches("^(?:(?:(?:ab|cd)|ef)|gh)*$", &"abgh".repeat(1_000)));
        assert!(matches(&"a".repeat(3_900), &"a".repeat(5_000)));
        assert!(matches(&"a?".repeat(1_900), ""));
        assert!(matches("^(?:(?:a|b){2}){300,}$", &"ab".repeat(400)));
        let nested = format!("^{}a{}$", "(?:".repeat(38), ")*".repeat(38));
        assert!(matches(&nested, "aaaa"));
        let lookaheads = format!("^{}a{}a$", "(?=".repeat(38), ")".repeat(38));
        assert!(matches(&lookaheads, "a"));
    });
}

#[test]
fn a_match_that_takes_too_many_steps_counts_as_none() {
    let text = "a".repeat(5_000);
    assert!(!matches("^(a|a)*b$", &text));
    assert!(!matches("^(?:a*)*b$", &text));
    assert!(!matches("(?:.*a){20}b", &text));
}
