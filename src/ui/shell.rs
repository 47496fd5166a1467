//! Taking over from the shell in `index.html`, whose form accepts the brief before the module is there.

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlElement, HtmlInputElement, HtmlTextAreaElement};

use crate::brief::BriefForm;
use crate::ui::controls::focus::focus_by_id;

/// The fields of the brief, by their ids in the shell and in the page.
const FIELDS: [&str; 4] = ["goal", "context", "rules", "count"];

/// What the operator did in the shell.
pub struct Shell {
    /// The brief as typed.
    pub form: BriefForm,
    /// Whether *Generate* was pressed.
    pub is_generate_queued: bool,
    focus: Option<String>,
    fields: Vec<FieldView>,
    pane_scroll: i32,
    window_scroll: (f64, f64),
}

/// The text of a field, its caret and its scroll position.
struct FieldView {
    id: &'static str,
    value: String,
    selection: Option<(u32, u32, String)>,
    scroll: i32,
}

impl Shell {
    /// Reads the shell in `element`, before the page replaces it. `None` if there is none.
    #[must_use]
    pub fn read(element: &Element) -> Option<Shell> {
        let shell = element.query_selector("[data-shell]").ok()??;
        let form = shell.query_selector("form").ok()??;
        let field = |id: &str| shell.query_selector(&format!("#{id}")).ok().flatten();
        let value = |id| field(id).as_ref().and_then(value_of).unwrap_or_default();
        let window = web_sys::window()?;
        let scroll = |read: Result<f64, _>| read.unwrap_or_default();
        Some(Shell {
            form: BriefForm {
                goal: value("goal"),
                context: value("context"),
                rules: value("rules"),
                count: value("count"),
            },
            is_generate_queued: form.has_attribute("data-queued"),
            focus: window
                .document()?
                .active_element()
                .map(|focused| focused.id())
                .filter(|id| FIELDS.contains(&id.as_str())),
            fields: FIELDS
                .into_iter()
                .filter_map(|id| {
                    let field = field(id)?;
                    Some(FieldView {
                        id,
                        value: value_of(&field)?,
                        selection: selection_of(&field),
                        scroll: field.scroll_top(),
                    })
                })
                .collect(),
            pane_scroll: pane_of(&shell).map_or(0, |pane| pane.scroll_top()),
            window_scroll: (scroll(window.scroll_x()), scroll(window.scroll_y())),
        })
    }

    /// Gives the page in `element` the focus, the carets and the scroll positions of the shell.
    pub fn restore(&self, element: &Element) {
        for view in &self.fields {
            let Ok(Some(field)) = element.query_selector(&format!("#{}", view.id)) else {
                continue;
            };
            // The page sets its values in a microtask. The same value again does not move the caret.
            set_value(&field, &view.value);
            if let Some((start, end, direction)) = &view.selection {
                select(&field, *start, *end, direction);
            }
            field.set_scroll_top(view.scroll);
        }
        if let Some(id) = &self.focus {
            focus_by_id(id);
        }
        // Last, because focusing a field scrolls to it.
        if let Some(pane) = pane_of(element) {
            pane.set_scroll_top(self.pane_scroll);
        }
        if let Some(window) = web_sys::window() {
            let (x, y) = self.window_scroll;
            window.scroll_to_with_x_and_y(x, y);
        }
    }
}

/// The pane with the form, which scrolls.
fn pane_of(element: &Element) -> Option<HtmlElement> {
    let pane = element.query_selector(".brief-pane .pane-body").ok()??;
    pane.dyn_into().ok()
}

fn value_of(field: &Element) -> Option<String> {
    if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        return Some(area.value());
    }
    Some(field.dyn_ref::<HtmlInputElement>()?.value())
}

fn set_value(field: &Element, value: &str) {
    if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        area.set_value(value);
    } else if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        input.set_value(value);
    }
}

/// The selected range in UTF-16 code units, and its direction.
fn selection_of(field: &Element) -> Option<(u32, u32, String)> {
    if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        return Some((
            area.selection_start().ok()??,
            area.selection_end().ok()??,
            area.selection_direction().ok()??,
        ));
    }
    let input = field.dyn_ref::<HtmlInputElement>()?;
    Some((
        input.selection_start().ok()??,
        input.selection_end().ok()??,
        input.selection_direction().ok()??,
    ))
}

fn select(field: &Element, start: u32, end: u32, direction: &str) {
    // If it fails, the caret is at the start.
    if let Some(area) = field.dyn_ref::<HtmlTextAreaElement>() {
        let _ = area.set_selection_range_with_direction(start, end, direction);
    } else if let Some(input) = field.dyn_ref::<HtmlInputElement>() {
        let _ = input.set_selection_range_with_direction(start, end, direction);
    }
}
