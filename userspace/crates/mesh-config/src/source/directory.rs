//! Reads the documents of directories and of single files, each file once as long as it does not
//! change.

mod file;
mod walk;

use std::{
    collections::BTreeSet,
    fs, io, mem,
    num::NonZeroUsize,
    os::fd::{AsFd, OwnedFd},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
};

use rustix::{fs::CWD, io::Errno};

pub(super) use self::walk::{DirectoryId, FoundDirectory, SWAPPED, directory_at};
use self::{
    file::{Budget, Content, FileReader, OverBudget, Seen},
    walk::{Listing, open_directory, open_root},
};
use super::{
    DocumentSet, SourceError, SourceFile,
    limits::{MAX_FILES, MAX_SET},
};
use crate::problem::{Place, Problem, Rule};

/// What one thread reads at least, in files.
const CHUNK: usize = 512;
/// How many threads read at most: warm caches keep no more of them busy.
const MAX_THREADS: usize = 4;
/// How often the files of a mount are read that is swapped meanwhile.
const ATTEMPTS: usize = 3;

/// Reads every file of a directory and of its subdirectories whose name ends as those of documents
/// do. What begins with a dot is left out, and a link to a directory is not followed, except those
/// that a mounted `ConfigMap` has.
///
/// # Errors
/// The directory itself cannot be read. A single file that cannot is part of the set.
pub fn read_directory(directory: &Path) -> Result<DocumentSet, SourceError> {
    Directory::new(directory).read()
}

/// Reads files and directories together, as one set. A file is read whatever its name.
///
/// # Errors
/// One of the paths is not there, or is a directory that cannot be read.
pub fn read_paths(paths: &[PathBuf]) -> Result<DocumentSet, SourceError> {
    let mut set = DocumentSet::default();
    let budget = Budget::new();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        let mut read = if metadata.is_dir() {
            let mut directory = Directory::new(path);
            directory
                .look_at_all(&budget)
                .map_err(|error| unreadable(path, error.into()))?;
            let mut read = directory.set();
            if paths.len() > 1 {
                read.move_into(path);
            }
            read
        } else {
            read_single(path, &budget)
        };
        set.files.append(&mut read.files);
        set.unreadable.append(&mut read.unreadable);
    }
    set.sort();
    Ok(set)
}

fn read_single(path: &Path, budget: &Budget) -> DocumentSet {
    let name = path.to_string_lossy();
    let mut set = DocumentSet::default();
    match FileReader::new(budget).read(CWD, &name, &name, None) {
        Ok(Some(seen)) => set.add(seen.content),
        Ok(None) => {}
        Err(OverBudget) => set.unreadable.push(too_large(path)),
    }
    set
}

/// What of a directory has to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Part {
    /// Everything; a file whose stamp is the known one is not read.
    #[default]
    Whole,
    /// These files alone, by their names relative to the directory.
    Files(BTreeSet<String>),
}

/// A directory of documents and what was read of it.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
    /// By name, sorted.
    files: Vec<(String, Seen)>,
    directories: Vec<FoundDirectory>,
    /// What of the tree cannot be listed.
    unlisted: Vec<Problem>,
    /// The set is beyond a limit, and nothing of it is held.
    over_limit: Option<Problem>,
}

impl Directory {
    /// Reads nothing yet.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            files: Vec::new(),
            directories: Vec::new(),
            unlisted: Vec::new(),
            over_limit: None,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads what was written, replaced, added or removed since the last time.
    ///
    /// # Errors
    /// The directory itself cannot be read. A single file that cannot is part of the set.
    pub fn read(&mut self) -> Result<DocumentSet, SourceError> {
        self.look(&Part::Whole)?;
        Ok(self.set())
    }

    /// What was read last.
    pub fn set(&self) -> DocumentSet {
        if let Some(problem) = &self.over_limit {
            return DocumentSet {
                unreadable: vec![problem.clone()],
                ..DocumentSet::default()
            };
        }
        let mut set = DocumentSet {
            files: Vec::with_capacity(self.files.len()),
            unreadable: self.unlisted.clone(),
        };
        for (_, seen) in &self.files {
            set.add(seen.content.clone());
        }
        set.unreadable.sort();
        set
    }

    /// The directories that the files are in, the root first.
    pub(super) fn directories(&self) -> &[FoundDirectory] {
        &self.directories
    }

    /// The files that were still being written when they were read last.
    pub(super) fn unsettled(&self) -> impl Iterator<Item = &str> {
        let unsettled = self.files.iter().filter(|(_, seen)| seen.is_unsettled);
        unsettled.map(|(name, _)| name.as_str())
    }

    /// Reads what of a part has changed. Returns whether some of it was still being written.
    pub(super) fn look(&mut self, part: &Part) -> Result<bool, SourceError> {
        let looked = match part {
            Part::Files(names) if self.over_limit.is_none() => self.look_at(names),
            Part::Files(_) | Part::Whole => self.look_at_all(&Budget::new()),
        };
        looked.map_err(|error| unreadable(&self.path, error.into()))
    }

    fn look_at_all(&mut self, budget: &Budget) -> Result<bool, Errno> {
        for attempt in 1.. {
            let listing = Listing::of(&self.path)?;
            self.over_limit = listing.is_over_limit.then(|| too_many(&self.path));
            if self.over_limit.is_none() {
                let known = mem::take(&mut self.files);
                match read_all(&listing, &known, budget) {
                    Ok(files) => self.files = files,
                    Err(OverBudget) => self.over_limit = Some(too_large(&self.path)),
                }
            }
            let is_swapped = listing.is_swapped();
            self.directories = listing.directories;
            self.unlisted = listing.problems;
            if self.over_limit.is_some() {
                self.files = Vec::new();
                return Ok(false);
            }
            if !is_swapped || attempt == ATTEMPTS {
                return Ok(is_swapped || self.files.iter().any(|(_, seen)| seen.is_unsettled));
            }
        }
        unreachable!("attempts end")
    }

    fn look_at(&mut self, names: &BTreeSet<String>) -> Result<bool, Errno> {
        let root = open_root(&self.path)?;
        let budget = Budget::new();
        let mut reader = FileReader::new(&budget);
        let mut is_unsettled = false;
        for name in names {
            let (directory, file_name) = split(name);
            let known = self
                .files
                .binary_search_by(|(known, _)| known.as_str().cmp(name));
            let read = match open_directory(&root, directory) {
                Ok(directory) => {
                    let known = known.ok().map(|at| &self.files[at].1);
                    reader.read(directory.as_fd(), file_name, name, known)
                }
                Err(_) => Ok(None),
            };
            let Ok(read) = read else {
                return self.look_at_all(&Budget::new());
            };
            is_unsettled |= read.as_ref().is_some_and(|seen| seen.is_unsettled);
            match (known, read) {
                (Ok(at), Some(seen)) => self.files[at].1 = seen,
                (Ok(at), None) => drop(self.files.remove(at)),
                (Err(at), Some(seen)) => self.files.insert(at, (name.clone(), seen)),
                (Err(_), None) => {}
            }
        }
        if self.files.len() > MAX_FILES || self.bytes() > MAX_SET {
            return self.look_at_all(&Budget::new());
        }
        Ok(is_unsettled)
    }

    fn bytes(&self) -> u64 {
        self.files
            .iter()
            .map(|(_, seen)| match &seen.content {
                Content::Text(file) => file.text.len() as u64,
                Content::Refused(_) => 0,
            })
            .sum()
    }
}

/// Threads that a reading of this many files is shared by.
pub(super) fn threads(files: usize) -> usize {
    let most = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    most.min(MAX_THREADS).min(files.div_ceil(CHUNK)).max(1)
}

type ReadFiles = Result<Vec<(String, Seen)>, OverBudget>;

/// Reads all files of a listing, in its order.
fn read_all(listing: &Listing, known: &[(String, Seen)], budget: &Budget) -> ReadFiles {
    let threads = threads(listing.files.len());
    let (own, others) = listing.files.split_at(
        listing
            .files
            .len()
            .div_ceil(threads)
            .min(listing.files.len()),
    );
    thread::scope(|scope| {
        let mut running = Vec::new();
        for chunk in others.chunks(own.len().max(1)) {
            let read = move || read_chunk(listing, chunk, known, budget);
            // Where no thread is to be had, this one does the work when its turn comes.
            running.push((chunk, thread::Builder::new().spawn_scoped(scope, read).ok()));
        }
        let mut files = read_chunk(listing, own, known, budget)?;
        for (chunk, thread) in running {
            files.append(&mut match thread {
                Some(thread) => thread.join().expect("reading files does not panic")?,
                None => read_chunk(listing, chunk, known, budget)?,
            });
        }
        Ok(files)
    })
}

fn read_chunk(
    listing: &Listing,
    names: &[String],
    known: &[(String, Seen)],
    budget: &Budget,
) -> ReadFiles {
    let mut reader = FileReader::new(budget);
    let mut files = Vec::with_capacity(names.len());
    let mut opened: Option<(&str, Option<OwnedFd>)> = None;
    // Both are sorted: what is known of a name is never before what was known of the one before.
    let mut rest = known;
    for name in names {
        let (directory, file_name) = split(name);
        if opened.as_ref().is_none_or(|(open, _)| *open != directory) {
            // A directory that is gone has no files any more.
            opened = Some((directory, open_directory(&listing.root, directory).ok()));
        }
        let Some((_, Some(directory))) = &opened else {
            continue;
        };
        let directory = directory.as_fd();
        while rest.first().is_some_and(|(known, _)| known < name) {
            rest = &rest[1..];
        }
        let known = rest.first().filter(|(known, _)| known == name);
        let known = known.map(|(_, seen)| seen);
        let unchanged = match known {
            Some(known) => reader.unchanged(directory, file_name, known)?,
            None => None,
        };
        let seen = match unchanged {
            Some(seen) => Some(seen),
            None => reader.read(directory, file_name, name, known)?,
        };
        if let Some(seen) = seen {
            files.push((name.clone(), seen));
        }
    }
    Ok(files)
}

/// The directory of a file and its name there.
fn split(name: &str) -> (&str, &str) {
    name.rsplit_once('/').unwrap_or(("", name))
}

impl DocumentSet {
    fn add(&mut self, content: Content) {
        match content {
            Content::Text(file) => self.files.push(file),
            Content::Refused(problem) => self.unreadable.push(problem),
        }
    }

    /// Names files by the path of their directory too.
    fn move_into(&mut self, directory: &Path) {
        let moved = |name: &str| directory.join(name).to_string_lossy().into_owned();
        for file in &mut self.files {
            *file = SourceFile::new(moved(&file.name), Arc::clone(&file.text));
        }
        for problem in &mut self.unreadable {
            problem.place.file = problem.place.file.as_deref().map(moved);
        }
    }
}

fn too_many(directory: &Path) -> Problem {
    over_limit(directory, &format!("it has more than {MAX_FILES} files"))
}

fn too_large(directory: &Path) -> Problem {
    let limit = MAX_SET >> 20;
    over_limit(
        directory,
        &format!("its files have more than {limit} MiB together"),
    )
}

fn over_limit(directory: &Path, what: &str) -> Problem {
    Problem {
        place: Place::file(directory.to_string_lossy()),
        rule: Rule::Syntax,
        value: None,
        message: format!("the documents cannot be read: {what}"),
        mend: "keep in it what is of this mesh alone".to_owned(),
    }
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests;
