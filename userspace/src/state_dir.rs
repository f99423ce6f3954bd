//! The directory of what an instance keeps beyond a restart: what is in it, and its removal.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use mesh_config::source::generations::Generations;

use crate::runtime_dir::remove_if_empty;

/// The file of the workloads that were enrolled at run time.
pub(crate) const ENROLMENTS: &str = "enrolments.json";
/// What becomes that file when it is whole.
pub(crate) const ENROLMENTS_DRAFT: &str = "enrolments.json.new";
/// The directories of enrolled workloads.
const WORKLOADS: &str = "workloads";

/// Where an instance keeps it unless told otherwise.
pub(crate) fn usual(instance: &str) -> PathBuf {
    Path::new("/var/lib/ferromesh").join(instance)
}

/// Where it keeps that of an enrolled workload.
pub(crate) fn of_workload(state_dir: &Path, workload: &str) -> PathBuf {
    state_dir.join(WORKLOADS).join(workload)
}

/// Removes what is kept, and the directory where nothing of others is in it; says whether anything was
/// there.
///
/// # Errors
/// Something is there and cannot be removed.
pub(crate) fn remove(state_dir: &Path) -> io::Result<bool> {
    let mut was_there = false;
    for directory in [Generations::DIRECTORY, WORKLOADS] {
        was_there |= is_gone_now(fs::remove_dir_all(state_dir.join(directory)))?;
    }
    for file in [ENROLMENTS, ENROLMENTS_DRAFT] {
        was_there |= is_gone_now(fs::remove_file(state_dir.join(file)))?;
    }
    remove_if_empty(Some(state_dir))?;
    Ok(was_there)
}

/// Whether it was there at all.
fn is_gone_now(removed: io::Result<()>) -> io::Result<bool> {
    match removed {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
