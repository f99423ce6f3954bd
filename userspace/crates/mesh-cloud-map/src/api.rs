//! The two questions that AWS Cloud Map is asked, whoever answers them.

use std::{collections::HashMap, fmt::Debug, pin::Pin};

use thiserror::Error;

/// A service of AWS Cloud Map.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Service {
    /// The namespace's name.
    pub namespace: String,
    /// The service's name in it.
    pub name: String,
}

/// The attributes that an instance must have, key and value, in the order of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attributes(Vec<(String, String)>);

impl Attributes {
    /// Those of a document, in whatever order.
    pub fn new(mut pairs: Vec<(String, String)>) -> Self {
        pairs.sort_unstable();
        pairs.dedup();
        Self(pairs)
    }

    /// Each of them.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// An instance as AWS Cloud Map has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// What its health check says.
    pub health: Health,
    /// Its address, its port and what else it was registered with.
    pub attributes: HashMap<String, String>,
}

/// What a health check says of an instance (`HealthStatus` of an answer).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// `HEALTHY`
    Healthy,
    /// `UNHEALTHY`
    Unhealthy,
    /// `UNKNOWN`: its service has no health check.
    Unchecked,
}

/// Why there is no answer.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ApiError {
    /// More is asked than may be, the service has trouble of its own, or nobody can ask it now: it is to
    /// be asked less often.
    #[error("AWS Cloud Map has no answer: {0}")]
    Later(String),
    /// The revision may not be asked for, or nobody knows of it; the instances may be all the same.
    #[error("AWS Cloud Map does not tell revisions: {0}")]
    NoRevisions(String),
    /// Anything else, such as a network that is down: it may be over at any moment.
    #[error("AWS Cloud Map has no answer: {0}")]
    Failed(String),
}

/// An answer that is on its way.
pub type Asking<'a, T> = Pin<Box<dyn Future<Output = Result<T, ApiError>> + Send + 'a>>;

/// Who answers.
pub trait Api: Debug + Send + Sync {
    /// A number that is another one once an instance of the service was registered or deregistered. It
    /// stays the same when the health of an instance changes (API reference,
    /// `DiscoverInstancesRevision`).
    fn revision<'a>(&'a self, service: &'a Service) -> Asking<'a, i64>;

    /// The instances that have the attributes and are not known to be unhealthy, 1,000 at most.
    fn instances<'a>(
        &'a self,
        service: &'a Service,
        attributes: &'a Attributes,
    ) -> Asking<'a, Vec<Registered>>;
}
