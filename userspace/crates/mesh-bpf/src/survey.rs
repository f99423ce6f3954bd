//! What a host has that bears on redirection: read, never changed.
//!
//! Each answer stands alone, so that what cannot be asked hides nothing of the rest.

pub mod attached;
pub mod filters;
pub mod listening;
pub mod namespace;
pub mod pinned;
