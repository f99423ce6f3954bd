//! Says which endpoints of a cluster are fit: by probes ([`active`]) and by how they answer requests
//! ([`outlier`]). Pure: the time and randomness are passed in, and nothing is sent.
//!
//! The rules are those of Envoy 1.40 under the configuration that App Mesh gave it, with Envoy's
//! defaults for what that left out.

pub mod active;
pub mod outlier;
