//! A condition that does not hold, in words.

use std::fmt;

use mesh_model::snapshot::{
    HeaderMatch, HttpMethod, HttpScheme, PathMatch, QueryMatch, ValueMatch,
};
use serde::Serialize;

/// A condition that does not hold, and what the request has instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase", tag = "on")]
pub enum Mismatch {
    /// On a header.
    Header {
        /// The condition.
        asks: HeaderMatch,
        /// What the request has; none: it is absent.
        value: Option<String>,
    },
    /// On the method.
    Method {
        /// The condition.
        asks: HttpMethod,
        /// What the request has.
        method: String,
    },
    /// On the path.
    Path {
        /// The condition.
        asks: PathMatch,
        /// What the request has, normalised.
        path: String,
    },
    /// On a query parameter.
    QueryParameter {
        /// The condition.
        asks: QueryMatch,
        /// What the request has; none: it is absent.
        value: Option<String>,
    },
    /// On the scheme.
    Scheme {
        /// The condition.
        asks: HttpScheme,
        /// What the request has.
        scheme: String,
    },
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Header { asks, value } => write_header(f, asks, value.as_deref()),
            Self::Method { asks, method } => {
                write!(
                    f,
                    "the method is `{method}`, the route asks for `{}`",
                    asks.as_str()
                )
            }
            Self::Path { asks, path } => match asks {
                PathMatch::Exact(exact) => write!(f, "the path `{path}` is not `{exact}`"),
                PathMatch::Prefix(prefix) => {
                    write!(f, "the path `{path}` does not begin with `{prefix}`")
                }
                PathMatch::Regex(expression) => {
                    write!(f, "`{expression}` does not match the whole path `{path}`")
                }
            },
            Self::QueryParameter { asks, value } => {
                write!(f, "query parameter `{}` ", asks.name)?;
                match (value, &asks.exact) {
                    (Some(value), Some(exact)) => {
                        write!(f, "is `{value}`, the route asks for `{exact}`")
                    }
                    (None, Some(exact)) => write!(f, "is absent, the route asks for `{exact}`"),
                    (_, None) => write!(f, "is absent, the route asks for any value of it"),
                }
            }
            Self::Scheme { asks, scheme } => {
                write!(
                    f,
                    "the scheme is `{scheme}`, the route asks for `{}`",
                    asks.as_str()
                )
            }
        }
    }
}

fn write_header(
    f: &mut fmt::Formatter<'_>,
    asks: &HeaderMatch,
    value: Option<&str>,
) -> fmt::Result {
    write!(f, "header `{}` is ", asks.name)?;
    match value {
        Some(value) => write!(f, "`{value}`")?,
        None => f.write_str("absent")?,
    }
    let not = if asks.invert { "not " } else { "" };
    match &asks.value {
        None if asks.invert => f.write_str(", the route asks for it to be absent"),
        None => f.write_str(", the route asks for any value of it"),
        Some(test) => {
            write!(f, ", the route asks for {not}{}", Words(test))?;
            if asks.invert && value.is_none() {
                f.write_str(", and an absent header has no value")?;
            }
            Ok(())
        }
    }
}

/// What a value is asked to be.
struct Words<'a>(&'a ValueMatch);

impl fmt::Display for Words<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ValueMatch::Exact(value) => write!(f, "`{value}`"),
            ValueMatch::Prefix(prefix) => write!(f, "a value that begins with `{prefix}`"),
            ValueMatch::Range { start, end } => {
                write!(f, "a whole number of at least {start} and below {end}")
            }
            ValueMatch::Regex(expression) => {
                write!(f, "a value that `{expression}` matches as a whole")
            }
            ValueMatch::Suffix(suffix) => write!(f, "a value that ends with `{suffix}`"),
        }
    }
}
