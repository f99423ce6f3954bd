//! What the documents of each kind say, typed and within bounds.
//!
//! The types follow the App Mesh API of 2019-01-25, field by field and under its names; what the
//! API calls a union is an enum, and every bound is part of a type ([`bounded`]). They serialise
//! back to the document that they were read from: an absent field stays absent, so that a default
//! is filled in only where configuration is resolved.

pub mod bounded;
pub mod discovery;
pub mod duration;
pub mod gateway_route;
pub mod listener;
pub mod logging;
pub mod mesh;
pub mod mesh_options;
pub mod route;
pub mod tls;
pub mod value_match;
pub mod virtual_gateway;
pub mod virtual_node;
pub mod virtual_router;
pub mod virtual_service;

pub use bounded::{Expression, Items, Name, Number, Port, Text};
