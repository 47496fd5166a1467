//! Controls that several panes use.

pub mod button;
pub mod code_block;
pub mod copy_diagnostics;
pub mod field;
pub mod file_button;
pub mod focus;
pub mod icons;
pub mod steady_press;
pub mod tabs;
pub mod times;
pub mod visible_text;
