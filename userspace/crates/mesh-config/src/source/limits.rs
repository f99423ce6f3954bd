//! How much is read: what is beyond is refused by these limits, and never in memory.

/// The largest file, in bytes. App Mesh's own limits keep a document far below.
pub const MAX_FILE: u64 = 16 << 20;
/// The text of all files of a set together, in bytes.
pub const MAX_SET: u64 = 128 << 20;
/// Files of a set.
pub const MAX_FILES: usize = 100_000;
/// How deep directories may nest below the directory of documents.
pub const MAX_DEPTH: usize = 16;
