//! What the daemon says on its control socket, as gRPC.

/// `ferromesh.control.v1`: status, connections and removal of one daemon.
#[expect(
    missing_docs,
    unused_qualifications,
    clippy::pedantic,
    clippy::allow_attributes_without_reason,
    reason = "generated code; the protocol file documents it"
)]
pub mod control {
    tonic::include_proto!("ferromesh.control.v1");
}
