//! Lists a directory of documents without opening a file of it.

use std::{
    ffi::CString,
    mem::MaybeUninit,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, FileType, Mode, OFlags, RawDir, Stat, fstat, openat, readlinkat, statat},
    io::Errno,
};

use super::super::{
    form,
    limits::{MAX_DEPTH, MAX_FILES},
};
use crate::problem::{Place, Problem, Rule};

/// The link of a mounted `ConfigMap` or `Secret` that is swapped to change all files at once.
pub(in super::super) const SWAPPED: &str = "..data";
const ENTRIES: usize = 64 << 10;

/// Which directory it is, whatever leads to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) struct DirectoryId {
    device: u64,
    inode: u64,
}

impl From<&Stat> for DirectoryId {
    #[expect(
        clippy::useless_conversion,
        reason = "field types differ between architectures"
    )]
    fn from(stat: &Stat) -> Self {
        Self {
            device: stat.st_dev.into(),
            inode: stat.st_ino.into(),
        }
    }
}

/// A directory of the tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in super::super) struct FoundDirectory {
    /// Relative to the root, which is empty itself.
    pub(in super::super) name: String,
    pub(in super::super) id: DirectoryId,
    /// Where its `..data` leads, if it is a mount that has one.
    swapped: Option<CString>,
}

/// What is there at one moment.
pub(super) struct Listing {
    pub(super) root: OwnedFd,
    pub(super) directories: Vec<FoundDirectory>,
    /// Names of files relative to the root, sorted.
    pub(super) files: Vec<String>,
    /// What stands in the way of a whole listing.
    pub(super) problems: Vec<Problem>,
    /// There are more files than a set may have; not all are listed.
    pub(super) is_over_limit: bool,
}

impl Listing {
    /// Lists all files that may hold documents, of a directory and of its subdirectories. A link to
    /// a directory is followed where a mounted `ConfigMap` has made it.
    ///
    /// # Errors
    /// The directory itself cannot be read.
    pub(super) fn of(path: &Path) -> Result<Self, Errno> {
        let root = open_root(path)?;
        let mut listing = Self {
            root,
            directories: Vec::new(),
            files: Vec::new(),
            problems: Vec::new(),
            is_over_limit: false,
        };
        let mut waiting = vec![String::new()];
        let mut buffer = vec![MaybeUninit::uninit(); ENTRIES];
        while let Some(name) = waiting.pop() {
            match listing.list(&name, &mut waiting, &mut buffer) {
                Err(error) if name.is_empty() => return Err(error),
                // One that went away meanwhile was never part of the tree.
                Ok(()) | Err(Errno::NOENT) => {}
                Err(error) => {
                    let reason = std::io::Error::from(error);
                    listing.problem(&name, &format!("the directory cannot be read: {reason}"));
                }
            }
            if listing.directories.len() + listing.files.len() > MAX_FILES {
                listing.is_over_limit = true;
                break;
            }
        }
        listing.files.sort_unstable();
        listing.directories.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(listing)
    }

    /// Whether a mount has swapped its files since they were listed.
    pub(super) fn is_swapped(&self) -> bool {
        self.directories.iter().any(|directory| {
            directory.swapped.is_some() && {
                let link = join(&directory.name, SWAPPED);
                readlinkat(&self.root, link, Vec::new()).ok() != directory.swapped
            }
        })
    }

    fn list(
        &mut self,
        directory: &str,
        waiting: &mut Vec<String>,
        buffer: &mut [MaybeUninit<u8>],
    ) -> Result<(), Errno> {
        let opened = open_directory(&self.root, directory)?;
        let mut found = FoundDirectory {
            name: directory.to_owned(),
            id: DirectoryId::from(&fstat(&opened)?),
            swapped: None,
        };
        let mut entries = RawDir::new(&opened, buffer);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let file_name = entry.file_name();
            if file_name.to_bytes() == SWAPPED.as_bytes() {
                found.swapped = readlinkat(&opened, file_name, Vec::new()).ok();
            }
            if file_name.to_bytes().starts_with(b".") {
                continue;
            }
            let Ok(file_name) = file_name.to_str() else {
                let name = join(directory, &file_name.to_string_lossy());
                self.problem(&name, "its name is no UTF-8 text");
                continue;
            };
            let Some(is_directory) = is_directory(&opened, file_name, entry.file_type()) else {
                continue;
            };
            if is_directory && !form::may_hold_documents(file_name) {
                continue;
            }
            let name = join(directory, file_name);
            if !is_directory {
                if form::is_document(file_name) {
                    self.files.push(name);
                }
            } else if name.matches('/').count() < MAX_DEPTH {
                waiting.push(name);
            } else {
                let reason = format!("directories nest deeper than {MAX_DEPTH}");
                self.problem(&name, &reason);
            }
        }
        self.directories.push(found);
        Ok(())
    }

    fn problem(&mut self, name: &str, reason: &str) {
        self.problems.push(Problem {
            place: Place::file(name),
            rule: Rule::Syntax,
            value: None,
            message: format!("it cannot be read: {reason}"),
            mend: "mend that, or take it out of the directory of documents".to_owned(),
        });
    }
}

/// Opens the directory of documents itself.
pub(super) fn open_root(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    openat(CWD, path, flags, Mode::empty())
}

/// Opens a directory of the tree by its name.
pub(super) fn open_directory(root: impl AsFd, name: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let name = if name.is_empty() { "." } else { name };
    openat(root, name, flags, Mode::empty())
}

/// Which directory a path leads to now. None where it leads nowhere.
pub(in super::super) fn directory_at(path: &Path) -> Option<DirectoryId> {
    statat(CWD, path, AtFlags::empty())
        .ok()
        .map(|stat| DirectoryId::from(&stat))
}

/// Whether an entry, of which the listing told this type, is a directory or leads to one; none for a
/// link to a directory that is not followed.
fn is_directory(directory: &OwnedFd, file_name: &str, told: FileType) -> Option<bool> {
    let kind_of = |stat: Stat| FileType::from_raw_mode(stat.st_mode);
    let kind = match told {
        FileType::Unknown => statat(directory, file_name, AtFlags::SYMLINK_NOFOLLOW)
            .map_or(FileType::Unknown, kind_of),
        kind => kind,
    };
    if kind != FileType::Symlink {
        return Some(kind == FileType::Directory);
    }
    match statat(directory, file_name, AtFlags::empty()).map(kind_of) {
        Ok(FileType::Directory) => leads_into_mount(directory, file_name).then_some(true),
        _ => Some(false),
    }
}

fn leads_into_mount(directory: &OwnedFd, link: &str) -> bool {
    readlinkat(directory, link, Vec::new())
        .is_ok_and(|target| target.to_bytes().starts_with(b"..data/"))
}

fn join(directory: &str, file_name: &str) -> String {
    if directory.is_empty() {
        file_name.to_owned()
    } else {
        format!("{directory}/{file_name}")
    }
}
