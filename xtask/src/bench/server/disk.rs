//! How long the disk itself takes: no durable response can be faster.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Instant;

/// As large as a page of SQLite.
const PAGE: [u8; 4096] = [0x5a; 4096];

/// Appends a page to a file in `folder` and flushes it to disk, `times` times; returns the
/// milliseconds that each flush took.
///
/// # Errors
/// Errors of the file system.
pub fn flush_times(folder: &Path, times: u32) -> io::Result<Vec<f64>> {
    let path = folder.join("flushes");
    let mut file = File::create(&path)?;
    let milliseconds = (0..times)
        .map(|_| {
            let begun = Instant::now();
            file.write_all(&PAGE)?;
            file.sync_data()?;
            Ok(begun.elapsed().as_secs_f64() * 1e3)
        })
        .collect();
    std::fs::remove_file(path)?;
    milliseconds
}
