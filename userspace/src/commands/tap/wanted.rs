//! Which requests are wanted, as the command line says it.

use std::{num::NonZeroU32, str::FromStr};

use ferromesh_proto::control::{Header, StatusRange, TapRequest};

use crate::cli::TapArgs;

/// The highest status that there is (RFC 9110, section 15).
const LAST: u32 = 599;

/// Statuses from one to another, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StatusFilter {
    from: u32,
    to: u32,
}

impl FromStr for StatusFilter {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let wrong = || "write a status, such as 503, 5xx, >=500, <400 or 0".to_owned();
        let number = |text: &str| {
            let number = text.parse::<u32>().ok();
            number.filter(|number| *number <= LAST).ok_or_else(wrong)
        };
        let class = given.strip_suffix("xx").filter(|class| class.len() == 1);
        let (from, to) = if let Some(class) = class {
            let first = number(class)? * 100;
            (first, first + 99)
        } else if let Some(text) = given.strip_prefix(">=") {
            (number(text)?, LAST)
        } else if let Some(text) = given.strip_prefix("<=") {
            (0, number(text)?)
        } else if let Some(text) = given.strip_prefix('>') {
            (number(text)? + 1, LAST)
        } else if let Some(text) = given.strip_prefix('<') {
            (0, number(text)?.checked_sub(1).ok_or_else(wrong)?)
        } else {
            (number(given)?, number(given)?)
        };
        if from > to || (1..100).contains(&to) || to > LAST {
            return Err(wrong());
        }
        Ok(Self { from, to })
    }
}

/// One request of so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample(NonZeroU32);

impl FromStr for Sample {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let of = given.strip_prefix("1/").and_then(|of| of.parse().ok());
        of.map(Self)
            .ok_or_else(|| "write 1/N, such as 1/100".to_owned())
    }
}

/// A header field and its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Field {
    name: String,
    value: String,
}

impl FromStr for Field {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        match given.split_once('=') {
            Some((name, value)) if !name.is_empty() => Ok(Self {
                name: name.to_ascii_lowercase(),
                value: value.to_owned(),
            }),
            _ => Err("write NAME=VALUE".to_owned()),
        }
    }
}

/// What the daemon is asked for.
pub(super) fn request(args: &TapArgs) -> TapRequest {
    let statuses = args.statuses.iter();
    let headers = args.headers.iter();
    let Sample(one_in) = args.sample;
    TapRequest {
        workload: args.workload.clone(),
        direction: args
            .direction
            .map(|direction| direction.as_str().to_owned()),
        service: args.service.clone(),
        statuses: statuses
            .map(|StatusFilter { from, to }| StatusRange {
                from: *from,
                to: *to,
            })
            .collect(),
        reasons: args.reasons.clone(),
        headers: headers
            .map(|Field { name, value }| Header {
                name: name.clone(),
                value: value.clone(),
            })
            .collect(),
        one_in: one_in.get(),
        per_second: args.rate,
        redact: args.redact.clone(),
        show_query: args.query,
    }
}

#[cfg(test)]
mod tests;
