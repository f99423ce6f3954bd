//! Which files of a directory are part of a set, by the end of their names.

/// Ends of names of files that documents come in: CLI input and CDK output, manifests and templates,
/// files with variables, Terraform's source and state, lists of variables.
const ENDS: [&str; 7] = ["json", "yaml", "yml", "template", "tf", "tfstate", "env"];

/// Whether a file of this name is read. What begins with a dot is not: a mounted `ConfigMap` keeps
/// its versions in `..data`, editors their drafts in `.name.swp`.
pub(super) fn is_document(file_name: &str) -> bool {
    !file_name.starts_with('.')
        && file_name
            .rsplit_once('.')
            .is_some_and(|(_, end)| ENDS.iter().any(|known| end.eq_ignore_ascii_case(known)))
}

/// Whether a directory of this name may hold documents. In `asset.HASH` CDK keeps what it uploads,
/// the sources of others.
pub(super) fn may_hold_documents(directory: &str) -> bool {
    const HASH: usize = 64;
    let hash = directory.strip_prefix("asset.");
    !hash.is_some_and(|hash| hash.len() == HASH && hash.bytes().all(|b| b.is_ascii_hexdigit()))
}
