//! Which connections are listed, and in which order.

mod filter;

use std::{cmp::Ordering, fmt, str::FromStr};

pub(crate) use self::filter::Filter;
use super::row::Row;

/// What can be said of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    Workload,
    Direction,
    Verdict,
    Reason,
    Local,
    Remote,
    Uid,
    Gid,
    Age,
    Sent,
    Received,
    Rtt,
    Retransmits,
}

impl Key {
    pub(crate) const ALL: [Self; 13] = [
        Self::Workload,
        Self::Direction,
        Self::Verdict,
        Self::Reason,
        Self::Local,
        Self::Remote,
        Self::Uid,
        Self::Gid,
        Self::Age,
        Self::Sent,
        Self::Received,
        Self::Rtt,
        Self::Retransmits,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Workload => "workload",
            Self::Direction => "direction",
            Self::Verdict => "verdict",
            Self::Reason => "reason",
            Self::Local => "local",
            Self::Remote => "remote",
            Self::Uid => "uid",
            Self::Gid => "gid",
            Self::Age => "age",
            Self::Sent => "sent",
            Self::Received => "received",
            Self::Rtt => "rtt",
            Self::Retransmits => "retransmits",
        }
    }

    /// Whether the largest are what one looks for.
    fn is_amount(self) -> bool {
        matches!(
            self,
            Self::Age | Self::Sent | Self::Received | Self::Rtt | Self::Retransmits
        )
    }

    /// The number that stands for it; none where it is not known, or is no number.
    fn number(self, row: &Row) -> Option<u64> {
        match self {
            Self::Uid => row.uid.map(u64::from),
            Self::Gid => row.gid.map(u64::from),
            Self::Age => row.age_ms,
            Self::Sent => row.bytes_sent,
            Self::Received => row.bytes_received,
            Self::Rtt => row.rtt_us,
            Self::Retransmits => row.retransmits,
            _ => None,
        }
    }

    fn compare(self, one: &Row, other: &Row) -> Ordering {
        match self {
            Self::Workload => one.workload.cmp(&other.workload),
            Self::Direction => one.direction.cmp(&other.direction),
            Self::Verdict => one.verdict.cmp(&other.verdict),
            Self::Reason => one.reason.cmp(&other.reason),
            Self::Local => one.local.cmp(&other.local),
            Self::Remote => one.remote.cmp(&other.remote),
            _ => self.number(one).cmp(&self.number(other)),
        }
    }
}

impl FromStr for Key {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|key| key.as_str() == given);
        found.ok_or_else(|| {
            let all = Self::ALL.map(Self::as_str).join(", ");
            format!("there is no key `{given}`; use one of {all}")
        })
    }
}

/// An order of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) key: Key,
    pub(crate) descending: bool,
}

impl Default for Sort {
    fn default() -> Self {
        Self::by(Key::Age)
    }
}

impl Sort {
    /// The usual order by a key: amounts from the largest, the rest from the smallest.
    pub(crate) fn by(key: Key) -> Self {
        Self {
            key,
            descending: key.is_amount(),
        }
    }

    /// Puts rows in order. Those of which the key is not known come last either way; equals keep
    /// their order.
    pub(crate) fn sort<T>(self, rows: &mut [T], row: impl Fn(&T) -> &Row) {
        let numbers = self.key.is_amount() || matches!(self.key, Key::Uid | Key::Gid);
        rows.sort_by(|one, other| {
            let (one, other) = (row(one), row(other));
            let unknown = |row| numbers && self.key.number(row).is_none();
            let by_key = self.key.compare(one, other);
            unknown(one).cmp(&unknown(other)).then(if self.descending {
                by_key.reverse()
            } else {
                by_key
            })
        });
    }
}

impl FromStr for Sort {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let Some((key, order)) = given.split_once(':') else {
            return given.parse().map(Self::by);
        };
        let descending = match order {
            "asc" => false,
            "desc" => true,
            _ => return Err(format!("`{order}` is no order; use asc or desc")),
        };
        let key = key.parse()?;
        Ok(Self { key, descending })
    }
}

impl fmt::Display for Sort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let order = if self.descending { "desc" } else { "asc" };
        write!(f, "{}:{order}", self.key.as_str())
    }
}

/// What of a list is wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selection {
    pub(crate) workloads: Vec<String>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) sort: Sort,
    pub(crate) limit: Option<usize>,
}

impl Selection {
    pub(crate) fn takes(&self, row: &Row) -> bool {
        (self.workloads.is_empty() || self.workloads.contains(&row.workload))
            && self.filters.iter().all(|filter| filter.takes(row))
    }

    /// The rows that are wanted, in order.
    pub(crate) fn of(&self, mut rows: Vec<Row>) -> Vec<Row> {
        rows.retain(|row| self.takes(row));
        self.sort.sort(&mut rows, |row| row);
        rows.truncate(self.limit.unwrap_or(usize::MAX));
        rows
    }
}

#[cfg(test)]
mod tests;
