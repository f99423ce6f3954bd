//! The data path: accept, detect, route, balance, relay.
