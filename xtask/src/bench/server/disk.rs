//! What the disk takes by itself: no durable answer can be faster.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

/// A page of SQLite.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// Appends a page to a file in `folder` and flushes it to the disk, `times` times one after the
/// other; gives the milliseconds of each.
///
/// # Errors
/// What the system says.
pub fn flushes(folder: &Path, times: u64) -> io::Result<Vec<f64>> {
    let path = folder.join("flushes");
    let mut file = File::create(&path)?;
    let took = (0..times)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&PAGE)?;
            file.sync_data()?;
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    std::fs::remove_file(path)?;
    took
}
