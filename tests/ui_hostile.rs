//! Texts that a model may write to attack the page or its layout, wherever the page shows them.
#![cfg(target_arch = "wasm32")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod ui_support;

use leptos::prelude::*;
use taskwright::document::quote;
use taskwright::model::GenerationOutcome;
use taskwright::review::DraftId;
use taskwright::run::{Event, Mode};
use ui_support::{Mounted, Styles, drawn, mount_run};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};
use web_sys::HtmlElement;

wasm_bindgen_test_configure!(run_in_browser);

/// Sets a global if it runs.
const CODE: &str = "window.hacked=1";

/// Fifty texts. `CODE` stands for code.
const TEXTS: [&str; 50] = [
    "<script>CODE</script>",
    "</title><script>CODE</script>",
    "</textarea><script>CODE</script>",
    "</pre></code><script>CODE</script>",
    "<img src=x onerror=CODE>",
    "<img src=data:image/gif;base64,AA onload=CODE>",
    "<svg onload=CODE>",
    "<svg><script>CODE</script></svg>",
    "<svg><animate onbegin=CODE attributeName=x dur=1s>",
    "<math><mtext></mtext><mglyph><style><img src=x onerror=CODE>",
    "<iframe srcdoc=\"<script>parent.hacked=1</script>\"></iframe>",
    "<iframe src=javascript:CODE>",
    "<object data=javascript:CODE>",
    "<embed src=javascript:CODE>",
    "<a href=javascript:CODE>here</a>",
    "javascript:CODE",
    "JaVaScRiPt:CODE",
    "data:text/html,<script>CODE</script>",
    "<body onload=CODE>",
    "<details open ontoggle=CODE>",
    "<input autofocus onfocus=CODE>",
    "<video><source onerror=CODE></video>",
    "<style>*{display:none}</style>",
    "<style>@import 'http://127.0.0.1:9/x'</style>",
    "<link rel=stylesheet href=http://127.0.0.1:9/x>",
    "<meta http-equiv=refresh content=0;url=javascript:CODE>",
    "<base href=http://127.0.0.1:9/>",
    "<form action=javascript:CODE><button>Post</button></form>",
    "<template><script>CODE</script></template>",
    "<noscript><p title=\"</noscript><img src=x onerror=CODE>\">",
    "<!--><img src=x onerror=CODE>-->",
    "<![CDATA[<img src=x onerror=CODE>]]>",
    "&lt;script&gt;CODE&lt;/script&gt;",
    "&#60;img src=x onerror=CODE&#62;",
    "\" onmouseover=CODE x=\"",
    "' onfocus='CODE' autofocus '",
    "`onclick=CODE`",
    "{{constructor.constructor('CODE')()}}",
    "${CODE}",
    "<%= CODE %>",
    "[click](javascript:CODE)",
    "![x](x\"onerror=\"CODE)",
    "\u{202e}gnp.exe\u{202c} \u{2066}isolated\u{2069}",
    "\u{200b}\u{200c}\u{200d}\u{feff}zero width",
    "\u{0}\u{7}\u{1b}[31mred\u{1b}[0m",
    "e\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}\u{301}",
    "𝕋𝕒𝕤𝕜 👩‍👩‍👧‍👦 ﷽",
    "مرحبا بالعالم שלום עולם",
    "\u{2028}line\u{2029}paragraph\u{85}next",
    "\\\"}]};CODE;//",
];

/// Two hundred texts: each alone, after words, as a very long word, and many times.
fn hostile_texts() -> Vec<String> {
    let long = "w".repeat(2_000);
    TEXTS
        .iter()
        .map(|text| text.replace("CODE", CODE))
        .flat_map(|text| {
            [
                text.clone(),
                format!("Write the notes {text} and send them"),
                format!("{text}{long}"),
                text.repeat(40),
            ]
        })
        .collect()
}

/// A task with the text in every place that the page shows in its own way, also nested deeply.
fn task_with(text: &str, number: usize) -> String {
    let quoted = quote(text);
    let deep = format!("{}{quoted}{}", "[".repeat(40), "]".repeat(40));
    format!(
        r#"{{"key":"t-{number}","title":{quoted},"instructions":{quoted},"priority":{quoted},"labels":[{quoted},"x"],"depends_on":[{quoted}],"inputs":[{{"name":{quoted},"value":{quoted}}}],{quoted}:{deep}}}"#
    )
}

/// The elements that reach beyond the right edge of an element.
fn sticking_out(pane: &HtmlElement) -> Vec<String> {
    let right = pane.get_bounding_client_rect().right();
    let inside = pane.get_elements_by_tag_name("*");
    let inside = (0..inside.length()).filter_map(|at| inside.item(at));
    inside
        .filter(|element| element.get_bounding_client_rect().right() > right + 1.0)
        .map(|element| format!("{}.{}", element.tag_name(), element.class_name()))
        .collect()
}

/// Nothing that a text could have made is in the page, and none of these parts is wider than its place.
fn expect_unharmed(mounted: &Mounted, text: &str, place: &str, parts: &str) {
    let text: String = text.chars().take(80).collect();
    let hacked = js_sys::Reflect::get(&js_sys::global(), &"hacked".into()).unwrap();
    assert!(hacked.is_undefined(), "{text:?} ran in {place}");
    let foreign = mounted.all(
        "script, img, iframe, object, embed, link, meta, base, video, style, math, template, animate, [href^='javascript' i], [onerror], [onload], [onfocus], [onmouseover], [onclick]",
    );
    let markup: Vec<String> = foreign.iter().map(|element| element.outer_html()).collect();
    assert!(markup.is_empty(), "{text:?} made {markup:?} in {place}");
    for pane in mounted.all(parts) {
        let (inner, outer) = (pane.scroll_width(), pane.client_width());
        assert!(
            inner <= outer + 1,
            "{text:?} makes {} {inner} px wide in {outer} px, in {place}: {:?}",
            pane.class_name(),
            sticking_out(&pane)
        );
    }
}

/// A narrow window shows one pane: the tasks.
async fn show_tasks(mounted: &Mounted) {
    mounted.commands.end(GenerationOutcome::Complete);
    drawn().await;
    mounted.one(".view-switch > .tab:last-child").click();
    drawn().await;
}

#[wasm_bindgen_test]
async fn no_text_of_a_task_runs_or_breaks_the_layout_of_the_list() {
    let _styles = Styles::apply();
    let mounted = mount_run(Mode::Live, "200");
    let texts = hostile_texts();
    assert_eq!(texts.len(), 200);
    for (number, text) in texts.iter().enumerate() {
        mounted.commands.arrive(&task_with(text, number));
    }
    show_tasks(&mounted).await;
    assert_eq!(mounted.all(".task-row").len(), 200);
    expect_unharmed(&mounted, "", "list", ".tasks-pane, .task-list");
    mounted.one(".findings > summary").click();
    drawn().await;
    expect_unharmed(&mounted, "", "findings", ".tasks-pane, .findings");
}

#[wasm_bindgen_test]
async fn no_text_of_a_task_runs_or_breaks_the_layout_of_the_open_task() {
    let _styles = Styles::apply();
    let mounted = mount_run(Mode::Live, "1");
    mounted.commands.arrive(&task_with("As proposed", 1));
    show_tasks(&mounted).await;
    mounted.one("#task-1").click();
    drawn().await;
    let run = mounted.page.run;
    let run = run.with_untracked(|run| run.as_ref().unwrap().id.clone());
    for text in hostile_texts() {
        mounted.commands.apply(Event::Edit {
            draft: DraftId {
                run: run.clone(),
                ordinal: 1,
            },
            text: task_with(&text, 1),
        });
        for tab in ["task", "json", "changes"] {
            mounted.one(&format!("#tab-{tab}")).click();
            drawn().await;
            let parts = format!(".task-pane, #panel-{tab}");
            expect_unharmed(&mounted, &text, tab, &parts);
        }
    }
}
