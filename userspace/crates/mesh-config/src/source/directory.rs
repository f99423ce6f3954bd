//! Reads the documents of directories and of single files.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    io::{self, Read},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use super::{DocumentSet, SourceError, SourceFile};
use crate::problem::{Place, Problem, Rule, Warning};

/// The largest file that is read, in bytes. App Mesh's own limits keep a document far below.
const MAX_FILE: u64 = 16 << 20;
/// How deep directories may nest.
const MAX_DEPTH: usize = 16;

/// Reads every `*.json` of a directory and of its subdirectories. What begins with a dot is left
/// out (a mounted `ConfigMap` keeps its versions in `..data`, editors their drafts), and a link to a
/// directory is not followed.
///
/// # Errors
/// The directory itself cannot be read. A single file that cannot is part of the set.
pub fn read_directory(directory: &Path) -> Result<DocumentSet, SourceError> {
    let mut set = DocumentSet::default();
    walk(directory, directory, 0, &mut |found| set.add(&found))?;
    set.sort();
    Ok(set)
}

/// Reads files and directories together, as one set. A file is read whatever its name.
///
/// # Errors
/// One of the paths is not there, or is a directory that cannot be read.
pub fn read_paths(paths: &[PathBuf]) -> Result<DocumentSet, SourceError> {
    let mut set = DocumentSet::default();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|source| unreadable(path, source))?;
        if metadata.is_dir() {
            let base = if paths.len() == 1 {
                path
            } else {
                Path::new("")
            };
            walk(path, base, 0, &mut |found| set.add(&found))?;
        } else {
            add_file(path, path.to_string_lossy().into_owned(), &mut set);
        }
    }
    set.sort();
    Ok(set)
}

/// What tells, without reading the files of a directory, that none of them was written, replaced,
/// added or removed. None while the directory cannot be read.
pub(super) fn glance(directory: &Path) -> Option<u64> {
    let mut files = Vec::new();
    walk(directory, directory, 0, &mut |found| {
        let metadata = fs::metadata(&found.path).ok();
        let state = metadata.map(|m| {
            (
                m.dev(),
                m.ino(),
                m.len(),
                (m.mtime(), m.mtime_nsec()),
                (m.ctime(), m.ctime_nsec()),
            )
        });
        files.push((found.name, state));
    })
    .ok()?;
    files.sort();
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    Some(hasher.finish())
}

/// A file that may hold documents.
struct Found {
    path: PathBuf,
    name: String,
    form: Form,
}

/// What a file holds, by the end of its name.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Yaml,
}

impl Form {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "json" => Some(Self::Json),
            "yaml" | "yml" => Some(Self::Yaml),
            _ => None,
        }
    }
}

/// Visits the files of a directory, in no order.
fn walk(
    directory: &Path,
    base: &Path,
    depth: usize,
    visit: &mut dyn FnMut(Found),
) -> Result<(), SourceError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        // A subdirectory that went away while its parent was listed was never part of the set.
        Err(error) if depth > 0 && error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(unreadable(directory, error)),
    };
    for entry in entries {
        let entry = entry.map_err(|source| unreadable(directory, source))?;
        let path = entry.path();
        if entry.file_name().as_encoded_bytes().starts_with(b".") {
            continue;
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            if depth < MAX_DEPTH {
                walk(&path, base, depth + 1, visit)?;
            }
        } else if let Some(form) = Form::of(&path)
            && !path.is_dir()
        {
            let name = path
                .strip_prefix(base)
                .unwrap_or(&path)
                .to_string_lossy()
                .into_owned();
            visit(Found { path, name, form });
        }
    }
    Ok(())
}

impl DocumentSet {
    fn add(&mut self, found: &Found) {
        let name = found.name.clone();
        match found.form {
            Form::Json => add_file(&found.path, name, self),
            Form::Yaml => self.left_out.push(Warning {
                place: Place::file(name),
                rule: Rule::NotYet,
                message: "left out: YAML is not read yet, AWS CLI input JSON is".to_owned(),
            }),
        }
    }
}

fn add_file(path: &Path, name: String, set: &mut DocumentSet) {
    let refused = match read_text(path) {
        Ok(text) => return set.files.push(SourceFile::new(name, text)),
        // A file that went away while the directory was listed was never part of the set.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => error,
    };
    set.unreadable.push(Problem {
        place: Place::file(name),
        rule: Rule::Syntax,
        value: None,
        message: format!("the file cannot be read: {refused}"),
        mend: "make it a readable file of UTF-8 text, or take it out of the directory".to_owned(),
    });
}

fn read_text(path: &Path) -> io::Result<String> {
    // Asked before opening: a FIFO would block.
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut text = String::new();
    File::open(path)?
        .take(MAX_FILE + 1)
        .read_to_string(&mut text)?;
    if text.len() as u64 > MAX_FILE {
        return Err(io::Error::other(format!(
            "it is larger than {} MiB",
            MAX_FILE >> 20
        )));
    }
    if let Some(rest) = text.strip_prefix('\u{feff}') {
        text = rest.to_owned();
    }
    Ok(text)
}

fn unreadable(path: &Path, source: io::Error) -> SourceError {
    SourceError::Read {
        path: path.display().to_string(),
        source,
    }
}

#[cfg(test)]
mod tests;
