//! The archive: for its owner alone, and never larger than it may be.

use std::{
    fs::{File, OpenOptions},
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context;
use flate2::{Compression, write::GzEncoder};
use tar::{Builder, Header};

/// The most of one file, in bytes.
const FILE_LIMIT: usize = 4 << 20;
/// The most of all files, in bytes before they are packed.
const LIMIT: usize = 64 << 20;
/// What of it is kept for the manifest, which comes last and says what is in the archive.
const MANIFEST_ROOM: usize = FILE_LIMIT;

pub(super) struct Archive {
    builder: Builder<GzEncoder<File>>,
    left: usize,
}

impl Archive {
    /// Makes the file, which must not be there: nobody else can have laid it or a link in its place.
    pub(super) fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self {
            builder: Builder::new(GzEncoder::new(file, Compression::default())),
            left: LIMIT - MANIFEST_ROOM,
        })
    }

    /// Adds the last file, for which there is room in any case.
    pub(super) fn add_manifest(&mut self, text: &str) -> anyhow::Result<()> {
        self.left += MANIFEST_ROOM;
        self.add("manifest.txt", text)?;
        Ok(())
    }

    /// Adds a text. True if its beginning was cut off because it was too long: of what is long, the
    /// end says what happened last.
    pub(super) fn add(&mut self, name: &str, text: &str) -> anyhow::Result<bool> {
        let limit = FILE_LIMIT.min(self.left);
        let mut start = text.len().saturating_sub(limit);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let kept = &text.as_bytes()[start..];
        self.left -= kept.len();
        let mut header = Header::new_gnu();
        header.set_size(kept.len() as u64);
        header.set_mode(0o600);
        header.set_mtime(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| since.as_secs()),
        );
        let path = format!("ferromesh-bundle/{name}");
        self.builder
            .append_data(&mut header, path, kept)
            .with_context(|| format!("{name} cannot be written"))?;
        Ok(start > 0)
    }

    pub(super) fn finish(self) -> anyhow::Result<()> {
        let file = self
            .builder
            .into_inner()
            .and_then(GzEncoder::finish)
            .context("the archive cannot be ended")?;
        file.sync_all().context("the archive is not on the disk")
    }
}
