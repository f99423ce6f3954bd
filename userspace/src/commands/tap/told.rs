//! What is said of a request, and of what watching came to.

use std::{
    fmt::{self, Display, Formatter},
    time::Duration,
};

use anyhow::Context;
use ferromesh_proto::control::{TapCost, TappedRequest};
use jiff::Timestamp;
use serde_json::{Value, json};

/// One request as a line for people.
pub(super) struct Line<'a> {
    pub(super) request: &'a TappedRequest,
    pub(super) at: Timestamp,
}

impl Display for Line<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { request, at } = self;
        let TappedRequest {
            workload,
            direction,
            client,
            method,
            authority,
            path,
            endpoint,
            cluster,
            status,
            ..
        } = request;
        write!(f, "{at:.3} {workload:<12} {direction:<7} {client} ")?;
        if method.is_empty() {
            f.write_str("(no request)")?;
        } else {
            write!(f, "{method} {authority}{path}")?;
        }
        match (cluster.as_str(), endpoint.as_str()) {
            ("", _) => {}
            (cluster, "") => write!(f, " → {cluster}")?,
            (cluster, endpoint) => write!(f, " → {endpoint} ({cluster})")?,
        }
        match status {
            0 => f.write_str(": no answer")?,
            status => write!(f, ": {status}")?,
        }
        for word in [&request.reason, &request.flags] {
            if !word.is_empty() {
                write!(f, " {word}")?;
            }
        }
        write!(f, ", {:.1?}", Duration::from_micros(request.duration_us))
    }
}

/// One request as an object for machines.
pub(super) fn object(request: &TappedRequest, at: Timestamp) -> anyhow::Result<Value> {
    let mut value = serde_json::to_value(request).context("a request is no JSON")?;
    value["at"] = json!(at.to_string());
    Ok(value)
}

/// What watching came to.
pub(super) struct Summary<'a>(pub(super) &'a TapCost);

impl Display for Summary<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(cost) = self;
        write!(f, "{} requests passed, {} shown", cost.seen, cost.shown)?;
        for (count, what) in [
            (cost.unwanted, "not asked for"),
            (cost.unsampled, "left out by --sample"),
            (cost.limited, "beyond --rate"),
            (
                cost.dropped,
                "dropped, as they came faster than they were read",
            ),
        ] {
            if count > 0 {
                write!(f, ", {count} {what}")?;
            }
        }
        let budget = Duration::from_nanos(cost.budget_nanoseconds);
        if cost.unlooked > 0 {
            let unlooked = cost.unlooked;
            write!(
                f,
                ", {unlooked} not looked at, as {budget:?} of a second were used up"
            )?;
        }
        let looked = cost.seen - cost.unsampled.min(cost.seen);
        let each = Duration::from_nanos(cost.nanoseconds.checked_div(looked).unwrap_or(0));
        let all = Duration::from_nanos(cost.nanoseconds);
        write!(
            f,
            "\nit cost the workers {all:.1?}, {each:.1?} for each request that was looked at; they give it \
             {budget:?} a second at most"
        )
    }
}

#[cfg(test)]
mod tests;
