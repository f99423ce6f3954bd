//! Tells the protocol of a connection from its first bytes.
