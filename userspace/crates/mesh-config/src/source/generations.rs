//! The documents that were in force, kept on disk: the newest for a restart over bad ones, the
//! others to go back to.
//!
//! One file a generation, an LZ4 frame with a checksum over all of it, of two JSON values: a line
//! that says which generation it is, and its files.

mod record;

use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Read, Write},
    path::{Path, PathBuf},
};

use lz4_flex::frame::{FrameDecoder, FrameEncoder, FrameInfo};
use tempfile::NamedTempFile;

pub use self::record::{Changes, Origin, Record};
use super::{DocumentSet, SourceError};

/// How many generations are kept.
pub const KEPT: usize = 10;
/// How much they may take up on disk, in bytes. The newest is kept whatever its size.
pub const KEPT_BYTES: u64 = 64 << 20;
const ENDING: &str = ".json.lz4";

/// The generations of one instance.
#[derive(Clone, Debug)]
pub struct Generations {
    directory: PathBuf,
}

/// What is kept, without the documents.
#[derive(Debug, Default)]
pub struct Kept {
    /// The newest first.
    pub records: Vec<Record>,
    /// What is there and cannot be used, and why.
    pub damaged: Vec<SourceError>,
}

impl Generations {
    /// The name of their directory.
    pub const DIRECTORY: &str = "generations";

    /// [`Self::DIRECTORY`] in a state directory, which need not exist yet.
    pub fn in_directory(state_dir: &Path) -> Self {
        Self {
            directory: state_dir.join(Self::DIRECTORY),
        }
    }

    /// Where they are.
    pub fn path(&self) -> &Path {
        &self.directory
    }

    /// The numbers of what is kept, damaged or not, the highest first.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn numbers(&self) -> Result<Vec<u64>, SourceError> {
        let failed = |source| unreadable(&self.directory, source);
        let entries = match fs::read_dir(&self.directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(source) => return Err(failed(source)),
        };
        let mut numbers = Vec::new();
        for entry in entries {
            let name = entry.map_err(failed)?.file_name();
            numbers.extend(name.to_str().and_then(number));
        }
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers)
    }

    /// What is kept. Each is read whole, so that damage is found before it is needed.
    ///
    /// # Errors
    /// The directory is there and cannot be read.
    pub fn records(&self) -> Result<Kept, SourceError> {
        let mut kept = Kept::default();
        for number in self.numbers()? {
            match self.load(number) {
                Ok(loaded) => kept.records.extend(loaded.map(|(record, _)| record)),
                Err(damaged) => kept.damaged.push(damaged),
            }
        }
        Ok(kept)
    }

    /// A generation with its documents. Nothing when it is not kept.
    ///
    /// # Errors
    /// It is kept and cannot be read, or is damaged.
    pub fn load(&self, generation: u64) -> Result<Option<(Record, DocumentSet)>, SourceError> {
        let path = self.file(generation);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(unreadable(&path, source)),
        };
        let loaded = read(file).map_err(|source| SourceError::Damaged {
            path: path.display().to_string(),
            source,
        })?;
        Ok(Some(loaded))
    }

    /// Keeps a generation, whole or not at all, also when the machine goes down meanwhile, in the
    /// place of what was kept under its number. Removes those that are too old or too large.
    ///
    /// # Errors
    /// The directory cannot be written.
    pub fn keep(&self, record: &Record, documents: &DocumentSet) -> Result<(), SourceError> {
        self.write(record, documents)
            .map_err(|source| SourceError::Keep {
                path: self.directory.display().to_string(),
                source,
            })
    }

    fn write(&self, record: &Record, documents: &DocumentSet) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let mut draft = NamedTempFile::new_in(&self.directory)?;
        let info = FrameInfo::new().content_checksum(true);
        let mut frame = FrameEncoder::with_frame_info(info, &mut draft);
        serde_json::to_writer(&mut frame, record)?;
        frame.write_all(b"\n")?;
        serde_json::to_writer(&mut frame, &documents.files)?;
        frame.finish()?;
        draft.as_file().sync_all()?;
        draft
            .persist(self.file(record.generation))
            .map_err(|error| error.error)?;
        self.prune()?;
        // The new name is on disk only when the directory is.
        File::open(&self.directory)?.sync_all()
    }

    fn prune(&self) -> io::Result<()> {
        let mut bytes = 0;
        let numbers = self.numbers().map_err(io::Error::other)?;
        for (index, number) in numbers.into_iter().enumerate() {
            let path = self.file(number);
            bytes += fs::metadata(&path)?.len();
            if index >= KEPT || (index > 0 && bytes > KEPT_BYTES) {
                fs::remove_file(path)?;
            }
        }
        Ok(())
    }

    fn file(&self, number: u64) -> PathBuf {
        self.directory.join(format!("{number:08}{ENDING}"))
    }
}

fn read(file: File) -> io::Result<(Record, DocumentSet)> {
    let mut kept = BufReader::new(FrameDecoder::new(file));
    let mut line = Vec::new();
    kept.read_until(b'\n', &mut line)?;
    let record: Record = serde_json::from_slice(&line)?;
    // The checksum is at the end, and is seen only by who reads on to there.
    let mut text = Vec::new();
    kept.read_to_end(&mut text)?;
    let documents = DocumentSet {
        files: serde_json::from_slice(&text)?,
        ..DocumentSet::default()
    };
    // A frame that ends between two blocks looks whole to its decoder.
    if documents.digest() != record.digest {
        return Err(io::Error::other(
            "its documents are not those of its digest",
        ));
    }
    Ok((record, documents))
}

/// The number that the name of a kept file has.
fn number(name: &str) -> Option<u64> {
    name.strip_suffix(ENDING)?.parse().ok()
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests;
