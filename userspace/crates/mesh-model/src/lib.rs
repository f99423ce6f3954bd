//! The typed, already valid domain. Nothing here reads or writes anything: a value of these types
//! cannot be wrong, it was checked where it was made.
//!
//! In the order of the configuration's path:
//! - [`resource`]: names of meshes, nodes, routers, services and how they are written
//! - [`spec`]: what the documents of each kind say
//! - [`snapshot`]: what one workload runs, resolved and whole, one generation
//! - [`instance`]: what a registry knows of the instances of a service
//! - [`redirect`]: the redirection rules of one workload
//! - [`origin`]: where a redirected connection was going

pub mod instance;
pub mod origin;
pub mod redirect;
pub mod resource;
pub mod snapshot;
pub mod spec;
