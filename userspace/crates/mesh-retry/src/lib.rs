//! Decides whether a request is tried again, when, and how long each attempt may take, by the rules of
//! App Mesh's Envoy. Pure: randomness is passed in, nothing is sent and no clock is asked.
//!
//! - [`Policy`]: which ends of an attempt are worth another
//! - [`Attempts`]: how often one request was tried, and what follows from how the last attempt ended
//! - [`BackOff`]: how long to wait before the next
//! - [`per_try`], [`expected`]: how long an attempt may take, and what its endpoint is told of that

mod attempts;
mod back_off;
mod policy;
mod time;

pub use attempts::{Attempts, Verdict};
pub use back_off::BackOff;
pub use policy::{Ended, Policy};
pub use time::{expected, per_try};
