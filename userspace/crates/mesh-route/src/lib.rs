//! Picks the route of a request.
