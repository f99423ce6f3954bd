//! The control socket of the daemon, as gRPC.
