//! The task list as data: what is read of each task once, what a filter and a search let through, in
//! which order and groups, and which rows are drawn. Tasks are named by their index in the run.

mod arrangement;
mod filter;
mod index;
mod layers;
mod rows;
mod search;
mod selection;
mod sort_by;
mod task_entry;

pub use arrangement::{Arrangement, ListGroup, ListedTasks, TaskGroup};
pub use filter::TaskFilter;
pub use index::TaskIndex;
pub use rows::RowGeometry;
pub use search::Search;
pub use selection::Selection;
pub use sort_by::SortBy;
pub use task_entry::TaskEntry;
