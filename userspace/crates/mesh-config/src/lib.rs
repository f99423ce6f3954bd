//! From documents to a resolved snapshot: the whole path of configuration, with no process state.
//!
//! In the order of that path:
//! - [`source`]: a directory's files, watched, and the last good ones kept on disk
//! - `text`: text to trees that know where they stand, within stated limits
//! - [`form`]: documents of every form in the shape of the App Mesh API
//! - [`document`]: files to typed documents, every fault of every file at once
//! - [`resolve`]: documents and a resource name to the snapshot of one workload
//! - [`redirect`]: the route manager's variables to redirection rules
//! - [`enrolment`]: the file that says which workloads a daemon serves
//! - [`instances`]: the file that says where nodes and services are
//! - [`diff`]: what changes from one state of a workload to another
//! - [`explain`]: which route a request would get, and why not the others
//! - [`graph`]: the meshes of the documents, drawn
//! - [`survey`]: what of a set of documents works, differs, or is not there yet
//!
//! [`problem`] is how all of them say what is wrong: place, rule and mend.

pub mod diff;
pub mod document;
pub mod enrolment;
pub mod explain;
#[cfg(test)]
mod fixture;
pub mod form;
pub mod graph;
pub mod instances;
mod own;
pub mod problem;
mod read;
pub mod redirect;
pub mod resolve;
pub mod source;
pub mod survey;
mod text;
mod tree;

use std::collections::BTreeMap;

/// The environment variables of a workload, as the daemon was given them. Nothing in this crate
/// reads the process's own environment.
pub type Environment = BTreeMap<String, String>;
