//! Picks the weighted target and the endpoint.
