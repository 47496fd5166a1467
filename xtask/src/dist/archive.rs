//! The zip of `dist/`.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::error::Error;
use crate::module::files::files_below;

/// Writes all files of a folder into a zip. The same files give the same bytes: they are sorted, and
/// have no times of their own.
///
/// # Errors
/// [`Error::File`].
pub fn write(folder: &Path, zip: &Path) -> Result<(), Error> {
    let file = File::create(zip).map_err(Error::file("create", zip))?;
    let mut writer = ZipWriter::new(file);
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644);
    for relative in files_below(folder)? {
        let path = folder.join(&relative);
        let bytes = fs::read(&path).map_err(Error::file("read", &path))?;
        let name = relative.to_string_lossy().replace('\\', "/");
        writer
            .start_file(name, options)
            .map_err(std::io::Error::from)
            .and_then(|()| writer.write_all(&bytes))
            .map_err(Error::file("write", zip))?;
    }
    writer
        .finish()
        .map(drop)
        .map_err(std::io::Error::from)
        .map_err(Error::file("write", zip))
}
