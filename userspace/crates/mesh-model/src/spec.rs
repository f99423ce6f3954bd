//! What the documents of each kind say, typed and within bounds.
