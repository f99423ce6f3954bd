//! Asks AWS Cloud Map for the instances of services, once for all workloads of a daemon.
//!
//! - [`CloudMap`]: who asks; [`Subscription`]: what a cluster hears of one service, as [`Heard`]
//! - [`Api`]: the two questions that are asked; [`Aws`] asks them of AWS
//! - `watched`: the task that keeps asking for one service; `pace`: how long it waits in between
//! - `registered`: which instances of an answer are used, and where they are

mod api;
mod aws;
mod cloud_map;
mod pace;
mod registered;
mod watched;

pub use api::{Api, ApiError, Asking, Attributes, Health, Registered, Service};
pub use aws::Aws;
pub use cloud_map::{CloudMap, Subscription};
pub use watched::{Heard, Known};
