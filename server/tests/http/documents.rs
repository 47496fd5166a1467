//! The documentation and the example of containers name only what the program has.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Options of other programs that the texts mention.
const OF_OTHER_PROGRAMS: [&str; 3] = ["--yes", "--build", "--peers"];

/// The options in a text, such as `--model-endpoint`.
fn options(text: &str) -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.split(|c: char| !is_part(c))
        .map(|word| word.trim_end_matches('-'))
        .filter(|word| word.starts_with("--") && word.len() > 3)
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_option_in_the_documentation_exists() {
    let output = Command::new(env!("CARGO_BIN_EXE_taskwright-server"))
        .arg("--help")
        .output()
        .unwrap();
    let known = options(&String::from_utf8(output.stdout).unwrap());
    assert!(known.contains("--model-endpoint"));
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in [
        "SECURITY.md",
        "docs/production.md",
        "docs/task-server.md",
        "docker-compose.yml",
    ] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        let found = options(&text);
        assert!(name == "SECURITY.md" || found.len() > 3, "{name}");
        for option in found {
            let is_known = known.contains(&option) || OF_OTHER_PROGRAMS.contains(&option.as_str());
            assert!(is_known, "{name}: {option}");
        }
    }
    // And the other way round: the reference has every option about secrets and the model.
    let reference = std::fs::read_to_string(root.join("docs/task-server.md")).unwrap();
    let documented = options(&reference);
    for option in known {
        if option.starts_with("--model") || option.starts_with("--vault") {
            assert!(documented.contains(&option), "{option}");
        }
    }
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let slug = |heading: &str| -> String {
        let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-');
        let text: String = heading.chars().filter(kept).collect();
        text.to_lowercase().replace(' ', "-")
    };
    for name in ["production.md", "task-server.md", "endpoints.md"] {
        let text = std::fs::read_to_string(root.join(name)).unwrap();
        for link in text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next())
        {
            if link.starts_with("http") {
                continue;
            }
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = root.join(if file.is_empty() { name } else { file });
            let target = std::fs::read_to_string(&target)
                .unwrap_or_else(|error| panic!("{name}: {link}: {error}"));
            let mut headings = target.lines().filter_map(|line| {
                let text = line.trim_start_matches('#');
                (text.len() < line.len()).then(|| slug(text.trim()))
            });
            let is_there = anchor.is_empty() || headings.any(|it| it == anchor);
            assert!(is_there, "{name}: {link}");
        }
    }
}
