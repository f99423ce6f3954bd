//! Why the kernel's side could not be set up, in the operator's words.

use std::{io, path::PathBuf};

/// What went wrong with programs, maps, links or cgroups. The message is one level deep; the cause
/// is the source.
#[derive(Debug, thiserror::Error)]
pub enum BpfError {
    /// The caller is not root and lacks the capabilities.
    #[error("loading eBPF programs needs root, or the capabilities {missing}")]
    NotPrivileged {
        /// The missing capabilities, comma-separated.
        missing: String,
    },
    /// A file or directory could not be used.
    #[error("cannot {action} {}", path.display())]
    File {
        /// What was tried: `open`, `create`, ….
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}
