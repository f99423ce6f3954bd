//! What an instance holds in the kernel: programs, maps and links, found through its pins.

use std::{
    collections::BTreeSet,
    fmt, fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::{daemon::pins, process};

/// The kinds of object that can be pinned, as bpftool names them.
const KINDS: [&str; 3] = ["link", "map", "prog"];

/// One object by its number, which the kernel does not give out again soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KernelObject {
    kind: &'static str,
    id: u64,
}

impl fmt::Display for KernelObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.id)
    }
}

impl KernelObject {
    /// `link`, `map` or `prog`.
    pub fn kind(self) -> &'static str {
        self.kind
    }

    /// Whether the kernel still has it.
    pub fn exists(self) -> Result<bool> {
        let id = self.id.to_string();
        Ok(bpftool(&[self.kind, "show", "id", &id])?.is_some())
    }
}

/// The objects that an instance has pinned, and the programs behind its links.
pub fn pinned(instance: &str) -> Result<BTreeSet<KernelObject>> {
    let mut objects = BTreeSet::new();
    for path in files(&pins(instance))? {
        let path = path.to_string_lossy();
        for kind in KINDS {
            let Some(shown) = bpftool(&[kind, "show", "pinned", &path])? else {
                continue;
            };
            objects.extend(shown["id"].as_u64().map(|id| KernelObject { kind, id }));
            if kind == "link" {
                let program = shown["prog_id"].as_u64();
                objects.extend(program.map(|id| KernelObject { kind: "prog", id }));
            }
        }
    }
    Ok(objects)
}

/// What bpftool says, or nothing if there is no such object.
fn bpftool(arguments: &[&str]) -> Result<Option<Value>> {
    let program = crate::capability::find("bpftool").context("bpftool is not installed")?;
    let said = process::output(Command::new(program).arg("--json").args(arguments))?;
    let answer: Option<Value> = serde_json::from_str(&said.stdout).ok();
    Ok(answer.filter(|answer| said.status.success() && answer.get("error").is_none()))
}

/// Every file below a directory; none if it is not there.
fn files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(directory) else {
        return Ok(found);
    };
    for entry in entries {
        let path = entry.context("cannot read a directory of pins")?.path();
        if path.is_dir() {
            found.extend(files(&path)?);
        } else {
            found.push(path);
        }
    }
    Ok(found)
}
