//! The brief pane: the form, the request and the schema.

pub mod brief_form;
pub mod brief_pane;
pub mod fold_button;
pub mod request_tab;
pub mod schema_tab;
