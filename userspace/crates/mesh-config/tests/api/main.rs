//! The readers against the App Mesh API's own model.

mod bounds;
mod model;
mod round_trip;
mod terraform;
