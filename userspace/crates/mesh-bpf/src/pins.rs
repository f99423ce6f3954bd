//! Where the links and maps of an instance are pinned.
//!
//! ```text
//! BPFFS/ferromesh/INSTANCE/v2/maps/MAP
//! BPFFS/ferromesh/INSTANCE/v2/links/proxy/LINK
//! BPFFS/ferromesh/INSTANCE/v2/links/WORKLOAD/LINK
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::BpfError;

/// The directory of all instances.
const DIRECTORY: &str = "ferromesh";
/// The directory of the proxy's links, beside those of workloads, which are numbers.
const PROXY: &str = "proxy";

/// The paths of one instance in one version of the layout.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    root: PathBuf,
}

impl Pins {
    /// The pins of this version.
    pub(crate) fn new(bpffs: &Path, instance: &str) -> Self {
        let version = format!("v{}", ebpf_abi::ABI_VERSION);
        Self::at(instance_directory(bpffs, instance).join(version))
    }

    /// The pins in the directory of some version.
    pub(crate) fn at(root: PathBuf) -> Self {
        Self { root }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn maps(&self) -> PathBuf {
        self.root.join("maps")
    }

    pub(crate) fn map(&self, name: &str) -> PathBuf {
        self.maps().join(name)
    }

    pub(crate) fn links(&self) -> PathBuf {
        self.root.join("links")
    }

    pub(crate) fn proxy_links(&self) -> PathBuf {
        self.links().join(PROXY)
    }

    pub(crate) fn workload_links(&self, id: u32) -> PathBuf {
        self.links().join(id.to_string())
    }
}

/// The directory of an instance, all versions.
pub(crate) fn instance_directory(bpffs: &Path, instance: &str) -> PathBuf {
    all_instances(bpffs).join(instance)
}

/// The directory of all instances.
pub(crate) fn all_instances(bpffs: &Path) -> PathBuf {
    bpffs.join(DIRECTORY)
}

/// The versions of the layout that an instance has pins of.
pub(crate) fn versions(bpffs: &Path, instance: &str) -> Result<Vec<u32>, BpfError> {
    let names = names(&instance_directory(bpffs, instance))?;
    Ok(names
        .iter()
        .filter_map(|name| name.strip_prefix('v')?.parse().ok())
        .collect())
}

/// The pins of an instance, if it has any; those of another version are an error.
pub(crate) fn present(bpffs: &Path, instance: &str) -> Result<Option<Pins>, BpfError> {
    let own = ebpf_abi::ABI_VERSION;
    match versions(bpffs, instance)?.into_iter().max() {
        None => Ok(None),
        Some(found) if found != own => Err(BpfError::OtherVersion {
            instance: instance.to_owned(),
            found,
            own,
        }),
        Some(_) => Ok(Some(Pins::new(bpffs, instance))),
    }
}

/// Makes a directory of pins with those above it.
pub(crate) fn create(directory: &Path) -> Result<(), BpfError> {
    let make = || fs::create_dir_all(directory);
    match make() {
        // Another instance that was uninstalled at this moment took an empty directory above away.
        Err(error) if error.kind() == io::ErrorKind::NotFound => make(),
        result => result,
    }
    .map_err(BpfError::file("create", directory))
}

/// The names in a directory, sorted; none if it is not there.
pub(crate) fn names(directory: &Path) -> Result<Vec<String>, BpfError> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(BpfError::file("read", directory)(error)),
    };
    let mut names = entries
        .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
        .collect::<io::Result<Vec<_>>>()
        .map_err(BpfError::file("read", directory))?;
    names.sort();
    Ok(names)
}

/// Removes one pin; one that is not there is removed already.
pub(crate) fn remove(pin: &Path) -> Result<(), BpfError> {
    match fs::remove_file(pin) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BpfError::file("remove", pin)(error))
        }
        _ => Ok(()),
    }
}

/// Removes a directory of pins if it is there; false if it was not.
pub(crate) fn remove_directory(directory: &Path) -> Result<bool, BpfError> {
    match fs::remove_dir(directory) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(BpfError::file("remove", directory)(error)),
    }
}

/// Removes the directory of all instances if this one was the last; false if there are others, or
/// somebody else removed it.
pub(crate) fn remove_all_instances(bpffs: &Path) -> Result<bool, BpfError> {
    let directory = all_instances(bpffs);
    match fs::remove_dir(&directory) {
        Ok(()) => Ok(true),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::DirectoryNotEmpty => Ok(false),
            _ => Err(BpfError::file("remove", &directory)(error)),
        },
    }
}

/// Whether a name can be an instance's: 1 to 63 letters, digits, hyphens and underscores.
pub(crate) fn is_instance_name(name: &str) -> bool {
    (1..=63).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests;
