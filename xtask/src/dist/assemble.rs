//! The files of the page, each in its place.
//!
//! Everything that `index.html` refers to is in one folder that is named after its contents, so that
//! browsers may keep it for ever, and a page never mixes files of two versions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};

use super::split::{LOADER, MODULE};
use crate::error::Error;
use crate::module::files::files_below;
use crate::page;
use crate::project::Project;

/// The WebAssembly file that is loaded first.
const MAIN: &str = "taskwright_bg.wasm";
/// The service worker, which lies beside `index.html`, because it is about its folder.
const WORKER: &str = "sw.js";
/// The script that registers it.
const OFFLINE: &str = "offline.js";
/// The files of the repository that are copied as they are.
const COPIED: [&str; 3] = ["config.json", "LICENSE-APACHE", "LICENSE-MIT"];
/// Files of this folder, and where they go.
const HOSTING: [(&str, &str); 4] = [
    ("_headers", include_str!("hosts/_headers")),
    ("hosting/nginx.conf", include_str!("hosts/nginx.conf")),
    ("hosting/Caddyfile", include_str!("hosts/Caddyfile")),
    (
        "config.example.json",
        include_str!("hosts/config.example.json"),
    ),
];

/// The contents of the files in the assets folder, by path.
type Assets = BTreeMap<String, Vec<u8>>;

/// Writes the files of the page into `folder`.
///
/// # Errors
/// When a file cannot be read or written, or does not have the form that is rewritten here.
pub fn assemble(project: &Project, module: &Path, folder: &Path) -> Result<(), Error> {
    let index = page::index(&project.root)?;
    let mut assets = collect(project, module, &index)?;
    let assets_folder = format!("assets/{}", fingerprint(&assets));
    rewrite_scripts(&mut assets, &assets_folder)?;
    let index = rewrite_index(&index, &assets, &assets_folder)?;
    let path = project.root.join("static").join(WORKER);
    let worker = fs::read_to_string(&path).map_err(Error::file("read", &path))?;
    let worker = fill_in_worker(&worker, &index, &assets, &assets_folder)?;

    write(&folder.join("index.html"), index.as_bytes())?;
    write(&folder.join(WORKER), worker.as_bytes())?;
    for (name, bytes) in &assets {
        write(&folder.join(&assets_folder).join(name), bytes)?;
    }
    for name in COPIED {
        let path = project.root.join(name);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        write(&folder.join(name), &bytes)?;
    }
    for (name, text) in HOSTING {
        write(&folder.join(name), text.as_bytes())?;
    }
    Ok(())
}

/// Reads the files of the module and of `static/`: the style sheets as one, and the scripts that run
/// before the module as one, each in the order of `index.html`.
fn collect(project: &Project, module: &Path, index: &str) -> Result<Assets, Error> {
    let root = &project.root;
    let mut assets = Assets::new();
    for file in files_below(module)? {
        let path = module.join(&file);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        assets.insert(file.to_string_lossy().into_owned(), bytes);
    }
    assets.insert("style.css".to_owned(), page::style_sheet(root, index)?);
    assets.insert("shell.js".to_owned(), page::shell_script(root, index)?);
    for name in [
        "boot.js",
        OFFLINE,
        "icons/app.svg",
        "icons/app-180.png",
        "icons/app-192.png",
        "icons/app-512.png",
        "icons/app-maskable-512.png",
        "icons/icons.svg",
        "manifest.webmanifest",
    ] {
        let path = root.join("static").join(name);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        assets.insert(name.to_owned(), bytes);
    }
    Ok(assets)
}

/// A name for the contents: the beginning of their SHA-256.
fn fingerprint(assets: &Assets) -> String {
    let mut hasher = Sha256::new();
    for (name, bytes) in assets {
        hasher.update(name.as_bytes());
        hasher.update((bytes.len() as u64).to_be_bytes());
        hasher.update(bytes);
    }
    short_hexadecimal(hasher.finalize().as_slice())
}

/// The beginning of a digest.
fn short_hexadecimal(digest: &[u8]) -> String {
    let bytes = digest.iter().take(8);
    bytes.map(|byte| format!("{byte:02x}")).collect()
}

/// Replaces the places that differ from the checkout, and adds the digest of each piece to the request
/// for it.
fn rewrite_scripts(assets: &mut Assets, assets_folder: &str) -> Result<(), Error> {
    edit(assets, "manifest.webmanifest", |text| {
        // The folder is one level deeper than `static/`.
        replace_some(text, "\"../\"", "\"../../\"")
    })?;
    edit(assets, "shell.js", |text| {
        replace_some(text, "static/", &format!("{assets_folder}/"))
    })?;
    let main_request = format!(
        "init({{ module_or_path: fetch(new URL(\"./{MAIN}\", import.meta.url), {{ integrity: \"{}\" }}) }})",
        integrity(assets, MAIN)?
    );
    edit(assets, "boot.js", |text| {
        let text = replace_some(text, "../pkg/", "./")?;
        replace_some(&text, "init()", &main_request)
    })?;
    let pieces: Vec<(String, String)> = pieces(assets)
        .map(|name| Ok((name.clone(), integrity(assets, name)?)))
        .collect::<Result<_, Error>>()?;
    edit(assets, LOADER, |text| {
        let mut text = text.to_owned();
        for (name, digest) in &pieces {
            let request = format!("fetch(new URL(\"./{name}\", import.meta.url)");
            text = replace_some(
                &text,
                &request,
                &format!("{request}, {{ integrity: \"{digest}\" }}"),
            )?;
        }
        Ok(text)
    })
}

/// `index.html` with the names of the assets, and with hints for what is loaded first.
fn rewrite_index(index: &str, assets: &Assets, assets_folder: &str) -> Result<String, Error> {
    let mut text = String::new();
    let (mut has_style, mut has_script) = (false, false);
    for line in index.lines() {
        let start = line.trim_start();
        let indent = line.strip_suffix(start).unwrap_or_default();
        let mut add = |tag: String| {
            text.push_str(indent);
            text.push_str(&tag);
            text.push('\n');
        };
        if start.starts_with("<link rel=\"stylesheet\"") {
            if !has_style {
                has_style = true;
                add(tag(assets, assets_folder, "style.css", |href, digest| {
                    format!("<link rel=\"stylesheet\" href=\"{href}\" integrity=\"{digest}\">")
                })?);
            }
        } else if start.starts_with("<script src=\"static/boot.js\"") {
            // In this order: the first one hears what the module says about `config.json`.
            for name in [OFFLINE, "boot.js"] {
                add(tag(assets, assets_folder, name, |href, digest| {
                    format!(
                        "<script src=\"{href}\" type=\"module\" integrity=\"{digest}\"></script>"
                    )
                })?);
            }
            for name in [MODULE, LOADER] {
                add(tag(assets, assets_folder, name, |href, digest| {
                    format!("<link rel=\"modulepreload\" href=\"{href}\" integrity=\"{digest}\">")
                })?);
            }
            // Not the pieces: they would share the connection with what the first screen needs.
            add(tag(assets, assets_folder, MAIN, |href, digest| {
                format!(
                    "<link rel=\"preload\" href=\"{href}\" as=\"fetch\" crossorigin integrity=\"{digest}\">"
                )
            })?);
        } else if start.starts_with("<script src=\"") {
            if !has_script {
                has_script = true;
                add(tag(assets, assets_folder, "shell.js", |href, digest| {
                    format!("<script src=\"{href}\" defer integrity=\"{digest}\"></script>")
                })?);
            }
        } else {
            text.push_str(&line.replace("\"static/", &format!("\"{assets_folder}/")));
            text.push('\n');
        }
    }
    Ok(text)
}

/// The service worker with the list of the files that it stores, and with a version that differs if one of
/// them or the script itself does.
fn fill_in_worker(
    script: &str,
    index: &str,
    assets: &Assets,
    assets_folder: &str,
) -> Result<String, Error> {
    let mut files = BTreeMap::from([("./".to_owned(), integrity_of(index.as_bytes()))]);
    for (name, bytes) in assets {
        files.insert(format!("{assets_folder}/{name}"), integrity_of(bytes));
    }
    let list = serde_json::to_string_pretty(&files).map_err(|error| Error::Unexpected {
        what: "the list of files".to_owned(),
        reason: error.to_string(),
    })?;
    let script = replace_some(script, "FILES = {}", &format!("FILES = {list}"))?;
    let version = short_hexadecimal(Sha256::digest(&script).as_slice());
    replace_some(
        &script,
        "VERSION = \"\"",
        &format!("VERSION = \"{version}\""),
    )
}

/// The files of the pieces.
fn pieces(assets: &Assets) -> impl Iterator<Item = &String> {
    assets
        .keys()
        .filter(|name| name.ends_with(".wasm") && *name != MAIN)
}

fn tag(
    assets: &Assets,
    folder: &str,
    name: &str,
    tag: impl Fn(&str, &str) -> String,
) -> Result<String, Error> {
    Ok(tag(&format!("{folder}/{name}"), &integrity(assets, name)?))
}

/// The value of an `integrity` attribute (Subresource Integrity, section 3.1).
fn integrity(assets: &Assets, name: &str) -> Result<String, Error> {
    let bytes = assets.get(name).ok_or_else(|| missing(name))?;
    Ok(integrity_of(bytes))
}

fn integrity_of(bytes: &[u8]) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(bytes)))
}

fn edit(
    assets: &mut Assets,
    name: &str,
    change: impl FnOnce(&str) -> Result<String, Error>,
) -> Result<(), Error> {
    let bytes = assets.get_mut(name).ok_or_else(|| missing(name))?;
    let text = String::from_utf8_lossy(bytes);
    *bytes = change(&text)?.into_bytes();
    Ok(())
}

/// Replaces a text that must be there: otherwise the file has changed, and this module has to follow.
fn replace_some(text: &str, from: &str, to: &str) -> Result<String, Error> {
    if !text.contains(from) {
        return Err(Error::Unexpected {
            what: "a file of the page".to_owned(),
            reason: format!("it does not contain {from}"),
        });
    }
    Ok(text.replace(from, to))
}

fn missing(name: &str) -> Error {
    Error::Unexpected {
        what: "the module".to_owned(),
        reason: format!("it has no file {name}"),
    }
}

fn write(path: &PathBuf, bytes: &[u8]) -> Result<(), Error> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
    }
    fs::write(path, bytes).map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assets() -> Assets {
        let loader = "fetch(new URL(\"./split_work.wasm\", import.meta.url))";
        [
            ("style.css", "body{}"),
            ("shell.js", "icon('static/icons/icons.svg')"),
            ("boot.js", "import('../pkg/taskwright.js'); await init();"),
            (OFFLINE, "navigator.serviceWorker"),
            (MODULE, "export default init"),
            (LOADER, loader),
            (MAIN, "\0asm"),
            ("split_work.wasm", "\0asm2"),
            ("manifest.webmanifest", "{\"scope\": \"../\"}"),
        ]
        .into_iter()
        .map(|(name, text)| (name.to_owned(), text.as_bytes().to_vec()))
        .collect()
    }

    const INDEX: &str = r#"<head>
  <link rel="icon" href="static/icons/app.svg">
  <link rel="stylesheet" href="static/styles/a.css">
  <link rel="stylesheet" href="static/styles/b.css">
  <script src="static/shell.js" defer></script>
  <script src="static/early-brief.js" defer></script>
  <script src="static/boot.js" type="module"></script>
</head>
"#;

    #[test]
    fn the_page_refers_to_one_style_sheet_and_one_early_script_with_their_digests() {
        let page = rewrite_index(INDEX, &assets(), "assets/0f").unwrap();
        assert_eq!(page.matches("rel=\"stylesheet\"").count(), 1, "{page}");
        assert_eq!(page.matches("<script").count(), 3, "{page}");
        assert!(page.contains("href=\"assets/0f/icons/app.svg\""), "{page}");
        assert!(!page.contains("static/"), "{page}");
        let digest = STANDARD.encode(Sha256::digest("body{}"));
        assert!(
            page.contains(&format!(
                "assets/0f/style.css\" integrity=\"sha256-{digest}\""
            )),
            "{page}"
        );
        assert!(page.contains("rel=\"preload\" href=\"assets/0f/taskwright_bg.wasm\""));
    }

    #[test]
    fn every_request_for_a_file_of_the_module_has_its_digest() {
        let mut assets = assets();
        rewrite_scripts(&mut assets, "assets/0f").unwrap();
        for (name, piece) in [("boot.js", MAIN), (LOADER, "split_work.wasm")] {
            let text = String::from_utf8_lossy(&assets[name]).into_owned();
            let digest = integrity(&assets, piece).unwrap();
            assert!(text.contains(&digest), "{name}: {text}");
        }
    }

    #[test]
    fn the_worker_stores_the_page_and_all_assets_and_changes_with_each() {
        let script = "const VERSION = \"\";\nconst FILES = {};";
        let fill_in = |script: &str, index: &str, assets: &Assets| {
            fill_in_worker(script, index, assets, "assets/0f").unwrap()
        };
        let worker = fill_in(script, INDEX, &assets());
        assert!(worker.contains(&format!("\"./\": \"{}\"", integrity_of(INDEX.as_bytes()))));
        for (name, bytes) in assets() {
            let entry = format!("\"assets/0f/{name}\": \"{}\"", integrity_of(&bytes));
            assert!(worker.contains(&entry), "{entry}: {worker}");
        }
        let version = |worker: &str| worker.lines().next().unwrap().to_owned();
        let mut other = assets();
        other.insert("icons/app.svg".to_owned(), b"<svg/>".to_vec());
        let others = [
            fill_in(script, "another page", &assets()),
            fill_in(script, INDEX, &other),
            fill_in(&format!("{script}// changed"), INDEX, &assets()),
        ];
        for other in &others {
            assert_ne!(version(other), version(&worker));
        }
        assert_eq!(fill_in(script, INDEX, &assets()), worker);
        assert!(fill_in_worker("changed", INDEX, &assets(), "assets/0f").is_err());
    }

    #[test]
    fn a_script_without_the_expected_place_is_an_error() {
        for name in ["boot.js", "shell.js", LOADER, "manifest.webmanifest"] {
            let mut assets = assets();
            assets.insert(name.to_owned(), b"changed".to_vec());
            assert!(rewrite_scripts(&mut assets, "assets/0f").is_err(), "{name}");
            assets.remove(name);
            assert!(rewrite_scripts(&mut assets, "assets/0f").is_err(), "{name}");
        }
    }

    #[test]
    fn the_folder_is_named_after_the_contents() {
        let (first, mut other) = (assets(), assets());
        assert_eq!(fingerprint(&first), fingerprint(&assets()));
        other.insert("style.css".to_owned(), b"body{ }".to_vec());
        assert_ne!(fingerprint(&first), fingerprint(&other));
    }
}
