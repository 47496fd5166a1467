//! The files that any web server serves: the style sheets, the shell, the policy and the
//! configuration of `index.html`. They are checked against their text.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use taskwright::settings::config::{Config, ConfigFile};

fn read(file: &str) -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names of the style sheets in their folder.
fn style_sheets() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("static/styles");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A text without its CSS comments.
fn without_comments(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once("/*") {
        kept.push_str(before);
        rest = after.split_once("*/").unwrap().1;
    }
    kept + rest
}

/// A style rule.
#[derive(Debug)]
struct Rule {
    /// Its style sheet and selectors, for messages.
    place: String,
    /// Its selectors, separated by commas.
    selectors: String,
    /// The at-rules around it.
    conditions: Vec<String>,
    declarations: Vec<(String, String)>,
}

impl Rule {
    /// The values that this rule gives to a property, in order.
    fn values(&self, property: &str) -> Vec<&str> {
        self.declarations
            .iter()
            .filter(|(name, _)| name == property)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    /// The elements that it is about: for each selector the tag and classes of its last part.
    fn subjects(&self) -> Vec<Vec<&str>> {
        self.selectors
            .split(',')
            .map(|selector| {
                let last = selector.split([' ', '>', '+']).next_back().unwrap();
                let names = last.split([':', '[']).next().unwrap();
                names.split('.').filter(|name| !name.is_empty()).collect()
            })
            .collect()
    }
}

/// All rules of all style sheets.
fn rules() -> Vec<Rule> {
    let mut rules = Vec::new();
    for sheet in style_sheets() {
        let text = without_comments(&read(&format!("static/styles/{sheet}")));
        let mut conditions: Vec<String> = Vec::new();
        let mut prelude = String::new();
        let mut open: Option<Rule> = None;
        for character in text.chars() {
            match (character, &mut open) {
                ('{', None) if prelude.trim_start().starts_with('@') => {
                    conditions.push(prelude.trim().to_owned());
                    prelude.clear();
                }
                ('{', None) => {
                    let selectors = prelude.split_whitespace().collect::<Vec<_>>().join(" ");
                    open = Some(Rule {
                        place: format!("{sheet}: {selectors}"),
                        selectors,
                        conditions: conditions.clone(),
                        declarations: Vec::new(),
                    });
                    prelude.clear();
                }
                (';' | '}', Some(rule)) => {
                    if let Some((name, value)) = prelude.split_once(':') {
                        let value = value.split_whitespace().collect::<Vec<_>>().join(" ");
                        rule.declarations.push((name.trim().to_owned(), value));
                    }
                    prelude.clear();
                    if character == '}' {
                        rules.extend(open.take());
                    }
                }
                ('}', None) => {
                    conditions.pop();
                    prelude.clear();
                }
                _ => prelude.push(character),
            }
        }
        assert!(
            conditions.is_empty() && open.is_none(),
            "{sheet} is not balanced"
        );
    }
    assert!(rules.len() > 200, "{} rules were found", rules.len());
    rules
}

#[test]
fn the_page_and_the_layout_tests_use_every_style_sheet() {
    let page = read("index.html");
    let support = read("tests/ui_support/mod.rs");
    let named = |text: &str, before: &str| -> Vec<String> {
        text.split(before)
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap().to_owned())
            .collect()
    };
    let linked = named(&page, "rel=\"stylesheet\" href=\"static/styles/");
    assert_eq!(
        linked,
        named(&support, "include_str!(\"../../static/styles/")
    );
    let mut sorted = linked;
    sorted.sort();
    assert_eq!(sorted, style_sheets());
}

/// An absolutely positioned element in a box that scrolls but is not positioned does not scroll with
/// it, and makes a box further out scroll instead.
#[test]
fn a_box_that_scrolls_is_positioned() {
    let rules = rules();
    let positioned: BTreeSet<&str> = rules
        .iter()
        .filter(|rule| {
            rule.values("position")
                .iter()
                .any(|value| *value != "static")
        })
        .flat_map(Rule::subjects)
        .flatten()
        .collect();
    let mut found = 0;
    for rule in &rules {
        let scrolls = rule
            .values("overflow")
            .iter()
            .any(|value| value.contains("auto"));
        if !scrolls {
            continue;
        }
        found += 1;
        for names in rule.subjects() {
            let is_positioned = names.iter().any(|name| positioned.contains(name));
            assert!(is_positioned, "{}", rule.place);
        }
    }
    assert!(found > 5, "{found} boxes that scroll");
}

/// `overflow: hidden` only hides scroll bars: focus and scripts still scroll such a box.
#[test]
fn a_box_that_must_not_scroll_is_clipped() {
    for rule in rules() {
        if rule.values("overflow").contains(&"hidden") {
            let cuts_text = !rule.values("text-overflow").is_empty();
            let is_invisible = !rule.values("clip-path").is_empty();
            assert!(cuts_text || is_invisible, "{}", rule.place);
        }
    }
}

/// Firefox interpolates colours of `color-mix()` in another colour space than hexadecimal ones, and
/// then draws hard stops wrong.
#[test]
fn a_gradient_with_hard_stops_names_its_colour_space_where_a_browser_can_read_that() {
    let rules = rules();
    let gradients: Vec<_> = rules
        .iter()
        .filter(|rule| rule.values("background").concat().contains("gradient("))
        .collect();
    assert!(!gradients.is_empty());
    for rule in &gradients {
        let named = |other: &&&Rule| {
            other.selectors == rule.selectors
                && other.values("background").concat().contains("in srgb ")
                && other
                    .conditions
                    .iter()
                    .any(|it| it.starts_with("@supports"))
        };
        assert!(
            gradients.iter().any(|other| named(&other)),
            "{}",
            rule.place
        );
    }
}

/// Browsers that cannot read an alternative text drop the whole declaration.
#[test]
fn generated_content_with_an_alternative_text_has_a_fallback_without_it() {
    for rule in rules() {
        let values = rule.values("content");
        for value in values.iter().filter(|value| value.contains("\" / \"")) {
            let text = value.split(" / ").next().unwrap();
            assert_eq!(values.first(), Some(&text), "{}", rule.place);
        }
    }
}

/// The oldest browsers that the page supports, as README.md, the shell and its errors state them.
const OLDEST_BROWSERS: [(&str, f32); 3] = [("Chrome", 123.0), ("Firefox", 125.0), ("Safari", 17.5)];

/// What the style sheets use, and the Chrome, Firefox and Safari that have it.
/// <https://github.com/mdn/browser-compat-data>
const USED: [(&str, [f32; 3]); 46] = [
    ("calc(", [26.0, 16.0, 7.0]),
    ("color-mix(", [111.0, 113.0, 16.2]),
    ("counter(", [2.0, 1.0, 3.0]),
    ("cubic-bezier(", [16.0, 4.0, 6.0]),
    ("env(", [69.0, 65.0, 11.1]),
    ("fit-content(", [29.0, 51.0, 10.1]),
    ("has(", [105.0, 121.0, 15.4]),
    ("inset(", [55.0, 54.0, 10.0]),
    ("is(", [88.0, 78.0, 14.0]),
    ("light-dark(", [123.0, 120.0, 17.5]),
    ("max(", [79.0, 75.0, 11.1]),
    ("min(", [79.0, 75.0, 11.1]),
    ("minmax(", [57.0, 52.0, 10.1]),
    ("not(", [88.0, 84.0, 9.0]),
    ("repeat(", [57.0, 76.0, 10.1]),
    ("repeating-linear-gradient(", [26.0, 16.0, 7.0]),
    ("rgb(", [65.0, 52.0, 12.1]),
    ("steps(", [77.0, 65.0, 14.0]),
    ("var(", [49.0, 31.0, 9.1]),
    ("::-moz-progress-bar", [0.0, 6.0, 0.0]),
    ("::-webkit-details-marker", [0.0, 0.0, 0.0]),
    ("::-webkit-progress-bar", [25.0, 0.0, 7.0]),
    ("::-webkit-progress-value", [25.0, 0.0, 7.0]),
    ("::after", [1.0, 1.5, 4.0]),
    ("::backdrop", [37.0, 47.0, 15.4]),
    ("::before", [1.0, 1.5, 4.0]),
    ("::placeholder", [57.0, 51.0, 10.1]),
    ("::selection", [1.0, 62.0, 1.1]),
    (":active", [1.0, 1.0, 1.0]),
    (":checked", [1.0, 1.0, 3.1]),
    (":disabled", [1.0, 1.0, 3.1]),
    (":empty", [1.0, 1.0, 3.1]),
    (":first-child", [4.0, 3.0, 3.1]),
    (":focus", [1.0, 1.0, 1.0]),
    (":focus-visible", [86.0, 85.0, 15.4]),
    (":focus-within", [60.0, 52.0, 10.1]),
    (":has", [105.0, 121.0, 15.4]),
    (":hover", [1.0, 1.0, 2.0]),
    (":is", [88.0, 78.0, 14.0]),
    (":not", [88.0, 84.0, 9.0]),
    (":popover-open", [114.0, 125.0, 17.0]),
    (":root", [1.0, 1.0, 1.0]),
    ("@container", [105.0, 110.0, 16.0]),
    ("@keyframes", [43.0, 16.0, 9.0]),
    // With ranges, such as (width >= 960px).
    ("@media", [104.0, 63.0, 16.4]),
    ("@supports", [28.0, 22.0, 9.0]),
];

/// The functions, pseudo-classes, pseudo-elements and at-rules in a style sheet.
fn used_names(sheet: &str) -> BTreeSet<String> {
    let text = without_comments(sheet);
    let is_name = |character: char| character.is_ascii_lowercase() || character == '-';
    let mut names = BTreeSet::new();
    for (at, character) in text.char_indices() {
        let (before, rest) = text.split_at(at);
        match character {
            '(' => {
                let name: String = before.chars().rev().take_while(|c| is_name(*c)).collect();
                if !name.is_empty() {
                    names.insert(name.chars().rev().chain(['(']).collect());
                }
            }
            '@' => {
                let name: String = rest.chars().skip(1).take_while(|c| is_name(*c)).collect();
                names.insert(format!("@{name}"));
            }
            ':' if !before.ends_with(':') => {
                let colons = rest.chars().take_while(|c| *c == ':').count();
                let name: String = rest
                    .chars()
                    .skip(colons)
                    .take_while(|c| is_name(*c))
                    .collect();
                if !name.is_empty() {
                    names.insert(format!("{}{name}", ":".repeat(colons)));
                }
            }
            _ => {}
        }
    }
    names
}

#[test]
fn the_oldest_supported_browsers_have_what_the_style_sheets_use() {
    let mut used = BTreeSet::new();
    for sheet in style_sheets() {
        used.extend(used_names(&read(&format!("static/styles/{sheet}"))));
    }
    let known: BTreeMap<&str, [f32; 3]> = USED.into_iter().collect();
    for name in &used {
        let since = known
            .get(name.as_str())
            .unwrap_or_else(|| panic!("add {name} and the browsers that have it to USED"));
        for ((browser, oldest), since) in OLDEST_BROWSERS.iter().zip(since) {
            assert!(since <= oldest, "{name} needs {browser} {since}");
        }
    }
    for name in known.keys() {
        assert!(used.contains(*name), "{name} is not used any more");
    }
}

#[test]
fn readme_shell_and_errors_name_the_same_oldest_browsers() {
    let [(_, chrome), (_, firefox), (_, safari)] = OLDEST_BROWSERS;
    let statement =
        format!("Chrome or Edge {chrome}, Firefox {firefox}, Safari {safari}, or later");
    for file in ["README.md", "static/shell.js", "static/boot.js"] {
        let text = read(file);
        assert!(
            text.contains(&statement),
            "{file} does not say “{statement}”"
        );
        assert_eq!(text.matches("Chrome or Edge").count(), 1, "{file}");
    }
}

#[test]
fn the_shell_checks_for_what_not_every_browser_has() {
    let shell = read("static/shell.js");
    for check in [
        "light-dark(",
        "selector(:has(",
        "container-type",
        "subgrid",
        "\"showModal\" in",
        "\"popover\" in",
        "typeof WebAssembly",
    ] {
        assert!(shell.contains(check), "{check}");
    }
    // An old browser runs none of a script whose syntax it does not know.
    let code: String = shell
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    for newer in ["?.", "??", "catch {", "||="] {
        assert!(!code.contains(newer), "{newer} in static/shell.js");
    }
}

#[test]
fn the_committed_configuration_presets_nothing() {
    let config = Config::parse(&read("config.json")).unwrap();
    assert_eq!(config.connection, None);
    assert_eq!(config.notice, None);
    let empty = serde_json::to_value(ConfigFile::default()).unwrap();
    let committed: serde_json::Value = serde_json::from_str(&read("config.json")).unwrap();
    assert_eq!(committed, empty);
}

/// The width and height of a PNG file (its chunk IHDR).
fn png_size(file: &str) -> (u32, u32) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let bytes = fs::read(path).unwrap();
    assert_eq!(bytes.get(..8).unwrap(), b"\x89PNG\r\n\x1a\n", "{file}");
    let number = |at: usize| {
        let bytes = bytes.get(at..at + 4).unwrap();
        u32::from_be_bytes(bytes.try_into().unwrap())
    };
    (number(16), number(20))
}

#[test]
fn the_manifest_has_the_icons_that_make_the_page_installable() {
    let manifest: serde_json::Value =
        serde_json::from_str(&read("static/manifest.webmanifest")).unwrap();
    let icons = manifest.get("icons").unwrap().as_array().unwrap();
    let mut kinds = BTreeSet::new();
    for icon in icons {
        let text = |member: &str| icon.get(member).and_then(|value| value.as_str());
        let file = format!("static/{}", text("src").unwrap());
        let size = text("sizes").unwrap();
        if text("type") == Some("image/png") {
            let (width, height) = png_size(&file);
            assert_eq!(format!("{width}x{height}"), size, "{file}");
        } else {
            assert!(read(&file).starts_with("<svg"), "{file}");
        }
        kinds.insert((size, text("purpose").unwrap_or("any")));
    }
    assert_eq!(
        kinds,
        BTreeSet::from([
            ("any", "any"),
            ("192x192", "any"),
            ("512x512", "any"),
            ("512x512", "maskable")
        ])
    );
    assert!(read("index.html").contains("apple-touch-icon\" href=\"static/icons/app-180.png"));
    assert_eq!(png_size("static/icons/app-180.png"), (180, 180));
}

/// A worker would keep serving what was built before. `cargo xtask dist` adds the script that registers it.
#[test]
fn the_page_of_a_checkout_has_no_service_worker() {
    let page = read("index.html");
    assert!(!page.contains("offline.js") && !page.contains("sw.js"));
    for file in ["static/shell.js", "static/early-brief.js", "static/boot.js"] {
        assert!(!read(file).contains("serviceWorker"), "{file}");
    }
}

/// Static markup of a component is rendered through `innerHTML`, which the shell's policy for markup
/// checks. A refusal would end the module, so the components must not contain such markup.
#[test]
fn no_component_has_static_markup_that_the_shell_refuses() {
    let mut folders = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src/ui")];
    let mut files = 0;
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).unwrap();
            for refused in [
                "<script",
                "<style",
                "<iframe",
                "<object",
                "<embed",
                "<base",
                "<link",
                "<meta",
                "<template",
                "<animate",
                "<foreignObject",
                " src=\"",
                " srcset=\"",
                " srcdoc=\"",
                " style=\"",
                " action=\"",
                " formaction=\"",
                " href=\"http",
                " href=\"/",
            ] {
                assert!(!text.contains(refused), "{refused} in {}", path.display());
            }
            // Of the sprite, which is a file of the checkout.
            let is_sprite = path.ends_with("icons.rs");
            assert_eq!(text.contains("inner_html"), is_sprite, "{}", path.display());
        }
    }
    assert!(files > 30, "{files} files");
}
