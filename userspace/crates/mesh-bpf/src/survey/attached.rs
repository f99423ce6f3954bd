//! Programs of all owners on the hooks that Ferromesh uses.

use std::{
    collections::HashMap,
    fmt,
    fs::File,
    os::fd::AsFd as _,
    path::{Path, PathBuf},
};

use aya::programs::loaded_programs;
use serde::Serialize;

use crate::{
    BpfError, cgroup,
    object::{Hook, PROXY_HOOKS, Place, WORKLOAD_HOOKS},
    sys::{self, AttachType},
};

/// `BPF_F_ALLOW_OVERRIDE`
const ALLOW_OVERRIDE: u32 = 1;
/// `BPF_F_ALLOW_MULTI`
const ALLOW_MULTI: u32 = 2;

/// How programs share a place on a cgroup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// Attached without flags: no other program may be attached there or below.
    Alone,
    /// `BPF_F_ALLOW_OVERRIDE`: it no longer runs for a cgroup below that has a program of its own.
    Overridable,
    /// By links or with `BPF_F_ALLOW_MULTI`: all run, those below first.
    Shared,
}

/// A program by its id and the name that the kernel keeps of it (15 bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoadedProgram {
    /// The kernel's id.
    pub id: u32,
    /// Its name; empty where it has none or has gone.
    pub name: String,
}

impl fmt::Display for LoadedProgram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() {
            "without name"
        } else {
            &self.name
        };
        write!(f, "program {name} (id {})", self.id)
    }
}

/// What is attached to one place at one hook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attached {
    /// The cgroup's directory, or the namespace's file.
    pub place: PathBuf,
    /// The hook, as links are called: `connect4`, `sock_ops`, ….
    pub hook: &'static str,
    /// How they share it.
    pub sharing: Sharing,
    /// In the order in which they run.
    pub programs: Vec<LoadedProgram>,
}

impl fmt::Display for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, program) in self.programs.iter().enumerate() {
            if number > 0 {
                f.write_str(", ")?;
            }
            program.fmt(f)?;
        }
        Ok(())
    }
}

impl Attached {
    /// The id of the program that runs first.
    pub fn first_id(&self) -> u32 {
        self.programs.first().map_or(0, |program| program.id)
    }
}

/// The hooks on cgroups, each once.
fn cgroup_hooks() -> impl Iterator<Item = Hook> {
    let of_workload = WORKLOAD_HOOKS
        .into_iter()
        .filter(|hook| hook.place == Place::Cgroup);
    let of_proxy = PROXY_HOOKS
        .into_iter()
        .filter(|hook| WORKLOAD_HOOKS.iter().all(|known| known.link != hook.link));
    of_workload.chain(of_proxy)
}

/// The names of all loaded programs, by id.
#[derive(Debug)]
pub struct Names(HashMap<u32, String>);

impl Names {
    /// Asks the kernel; empty for a caller without privilege.
    pub fn read() -> Self {
        let programs = loaded_programs().filter_map(Result::ok);
        Self(
            programs
                .map(|program| {
                    let name = program.name_as_str().unwrap_or_default();
                    (program.id(), name.to_owned())
                })
                .collect(),
        )
    }

    fn programs(&self, ids: &[u32]) -> Vec<LoadedProgram> {
        ids.iter()
            .map(|&id| LoadedProgram {
                id,
                name: self.0.get(&id).cloned().unwrap_or_default(),
            })
            .collect()
    }
}

/// Every hook of a cgroup that has programs, without those of the cgroups above it.
pub fn on_cgroup(directory: &Path, names: &Names) -> Result<Vec<Attached>, BpfError> {
    let mut found = Vec::new();
    for hook in cgroup_hooks() {
        found.extend(at(directory, hook.link, hook.attach_type, names)?);
    }
    Ok(found)
}

/// Every hook with programs from a cgroup up to the root of the hierarchy, the cgroup's own first.
pub fn on_the_way_up(directory: &Path, names: &Names) -> Result<Vec<Attached>, BpfError> {
    let mut found = Vec::new();
    for one in way_up(directory)? {
        found.extend(on_cgroup(&one, names)?);
    }
    Ok(found)
}

/// Every hook with programs in the cgroups below one, of which at most `limit` are looked at.
pub fn below(directory: &Path, limit: usize, names: &Names) -> Result<Vec<Attached>, BpfError> {
    let mut found = Vec::new();
    for (_, one) in cgroup::subtree(directory)?.into_iter().skip(1).take(limit) {
        match on_cgroup(&one, names) {
            Ok(attached) => found.extend(attached),
            // It went away between two looks.
            Err(_) if !one.exists() => {}
            Err(error) => return Err(error),
        }
    }
    Ok(found)
}

/// The `sk_lookup` programs of a network namespace, by its file.
pub fn on_namespace(file: &Path, names: &Names) -> Result<Option<Attached>, BpfError> {
    at(file, "sk_lookup", AttachType::SkLookup, names)
}

/// The program that keeps others from a hook of a cgroup, if there is one: the kernel's own rule
/// (`hierarchy_allows_attach`).
pub(crate) fn exclusive_claim(
    directory: &Path,
    attach_type: AttachType,
) -> Result<Option<Attached>, BpfError> {
    let names = Names::read();
    let hook = cgroup_hooks()
        .find(|hook| hook.attach_type == attach_type)
        .map_or("", |hook| hook.link);
    for (distance, one) in way_up(directory)?.into_iter().enumerate() {
        let Some(attached) = at(&one, hook, attach_type, &names)? else {
            continue;
        };
        return Ok(match attached.sharing {
            Sharing::Alone => Some(attached),
            // On the cgroup itself there is room for the one alone.
            Sharing::Overridable if distance == 0 => Some(attached),
            Sharing::Overridable | Sharing::Shared => None,
        });
    }
    Ok(None)
}

fn at(
    place: &Path,
    hook: &'static str,
    attach_type: AttachType,
    names: &Names,
) -> Result<Option<Attached>, BpfError> {
    let file = File::open(place).map_err(BpfError::file("open", place))?;
    let found = sys::attached(file.as_fd(), attach_type)
        .map_err(BpfError::file("ask for the programs of", place))?;
    if found.programs.is_empty() {
        return Ok(None);
    }
    let is_namespace = attach_type == AttachType::SkLookup;
    let sharing = match found.flags {
        flags if is_namespace || flags & ALLOW_MULTI != 0 => Sharing::Shared,
        flags if flags & ALLOW_OVERRIDE != 0 => Sharing::Overridable,
        _ => Sharing::Alone,
    };
    Ok(Some(Attached {
        place: place.to_owned(),
        hook,
        sharing,
        programs: names.programs(&found.programs),
    }))
}

/// A cgroup and those above it, up to the root of the hierarchy.
pub(crate) fn way_up(directory: &Path) -> Result<Vec<PathBuf>, BpfError> {
    let root = cgroup::canonical(&cgroup::mount_point()?)?;
    let directory = cgroup::canonical(directory)?;
    if !directory.starts_with(&root) {
        return Err(BpfError::NotACgroup {
            path: directory,
            mount: root,
        });
    }
    Ok(directory
        .ancestors()
        .take_while(|one| one.starts_with(&root))
        .map(Path::to_owned)
        .collect())
}
