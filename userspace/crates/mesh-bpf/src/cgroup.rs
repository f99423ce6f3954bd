//! The cgroup v2 hierarchy, wherever it is mounted.

use std::{
    fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

use crate::BpfError;

/// Where the v2 hierarchy is mounted: `/sys/fs/cgroup`, or beside the v1 controllers.
pub fn mount_point() -> Result<PathBuf, BpfError> {
    let path = Path::new("/proc/self/mountinfo");
    let mounts = fs::read_to_string(path).map_err(BpfError::file("read", path))?;
    v2_mount_point(&mounts).ok_or(BpfError::NoCgroup2)
}

/// The first mount of a cgroup2 file system in a mountinfo file (`proc_pid_mountinfo(5)`). One
/// whose root is the hierarchy's own is preferred to a mount of a part.
fn v2_mount_point(mounts: &str) -> Option<PathBuf> {
    let mut found: Vec<(bool, PathBuf)> = mounts
        .lines()
        .filter_map(|line| {
            let (mount, file_system) = line.split_once(" - ")?;
            let mut fields = mount.split(' ').skip(3);
            let (root, place) = (fields.next()?, fields.next()?);
            let is_v2 = file_system.split(' ').next() == Some("cgroup2");
            is_v2.then(|| (root != "/", PathBuf::from(unescape(place))))
        })
        .collect();
    found.sort_by_key(|(is_part, _)| *is_part);
    found.into_iter().next().map(|(_, place)| place)
}

/// Undoes the escapes of mountinfo: a backslash and three octal digits.
fn unescape(field: &str) -> String {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let Some((&first, behind)) = rest.split_first() {
        let code = behind.get(..3).and_then(|digits| {
            let digits = std::str::from_utf8(digits).ok()?;
            (first == b'\\').then(|| u8::from_str_radix(digits, 8).ok())?
        });
        if let Some(byte) = code {
            bytes.push(byte);
            rest = &behind[3..];
        } else {
            bytes.push(first);
            rest = behind;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The directory of a process's v2 cgroup; none for the caller's own.
pub fn of_process(pid: Option<u32>) -> Result<PathBuf, BpfError> {
    let process = pid.map_or_else(|| "self".to_owned(), |pid| pid.to_string());
    let path = PathBuf::from(format!("/proc/{process}/cgroup"));
    let list = fs::read_to_string(&path).map_err(BpfError::file("read", &path))?;
    let cgroup = list
        .lines()
        .find_map(|line| line.strip_prefix("0::/"))
        .ok_or(BpfError::NoCgroup2)?;
    Ok(mount_point()?.join(cgroup))
}

/// The kernel's id of a cgroup: the inode of its directory.
pub fn id(cgroup: &Path) -> Result<u64, BpfError> {
    Ok(fs::metadata(cgroup)
        .map_err(BpfError::file("examine", cgroup))?
        .ino())
}

/// A cgroup and all below it, by id, the upper ones first. One that goes away meanwhile is left
/// out.
pub fn subtree(cgroup: &Path) -> Result<Vec<(u64, PathBuf)>, BpfError> {
    let mut found = vec![(id(cgroup)?, cgroup.to_owned())];
    let mut next = 0;
    while let Some((_, directory)) = found.get(next) {
        next += 1;
        let Ok(entries) = fs::read_dir(directory) else {
            continue;
        };
        let children = entries.flatten().filter_map(|entry| {
            let metadata = entry.metadata().ok()?;
            metadata.is_dir().then(|| (metadata.ino(), entry.path()))
        });
        let children: Vec<_> = children.collect();
        found.extend(children);
    }
    Ok(found)
}

/// The processes of a cgroup and of those below it; none of one that has gone or may not be read.
pub fn processes(cgroup: &Path) -> Vec<u32> {
    let cgroups = subtree(cgroup).unwrap_or_default();
    cgroups
        .iter()
        .flat_map(|(_, directory)| members(directory).unwrap_or_default())
        .collect()
}

/// Whether a cgroup is another one or below it.
pub fn is_inside(cgroup: &Path, of: &Path) -> Result<bool, BpfError> {
    Ok(canonical(cgroup)?.starts_with(canonical(of)?))
}

/// The real path of a cgroup that programs may be attached to: a directory below the root of the v2
/// hierarchy.
pub fn attachable(cgroup: &Path) -> Result<PathBuf, BpfError> {
    let mount = canonical(&mount_point()?)?;
    let path = canonical(cgroup)?;
    if path == mount {
        return Err(BpfError::RootCgroup { path });
    }
    if !path.starts_with(&mount) || !path.is_dir() {
        return Err(BpfError::NotACgroup { path, mount });
    }
    Ok(path)
}

/// Makes a cgroup directory and those above it, or finds them made.
pub fn create(cgroup: &Path) -> Result<(), BpfError> {
    fs::create_dir_all(cgroup).map_err(BpfError::file("create", cgroup))
}

/// Removes a cgroup that is empty; one that is not there is removed already.
pub fn remove(cgroup: &Path) -> Result<(), BpfError> {
    match fs::remove_dir(cgroup) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(BpfError::file("remove", cgroup)(error))
        }
        _ => Ok(()),
    }
}

/// The processes of a cgroup, without those of cgroups below it; none where it is gone, or its
/// threads are listed with their processes above it.
pub fn members(cgroup: &Path) -> Result<Vec<u32>, BpfError> {
    let list = cgroup.join("cgroup.procs");
    match fs::read_to_string(&list) {
        Ok(list) => Ok(list.lines().filter_map(|pid| pid.parse().ok()).collect()),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::Unsupported => Ok(Vec::new()),
            _ if error.raw_os_error() == Some(libc::ENODEV) => Ok(Vec::new()),
            _ => Err(BpfError::file("read", &list)(error)),
        },
    }
}

/// Moves the calling process into a cgroup, all threads of it. Sockets made before stay where they
/// were made.
pub fn enter(cgroup: &Path) -> Result<(), BpfError> {
    let procs = cgroup.join("cgroup.procs");
    fs::write(&procs, "0").map_err(BpfError::file("write", &procs))
}

pub(crate) fn canonical(path: &Path) -> Result<PathBuf, BpfError> {
    fs::canonicalize(path).map_err(BpfError::file("open", path))
}

#[cfg(test)]
mod tests;
