//! From documents to a resolved snapshot.
