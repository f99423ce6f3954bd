//! How long one attempt may take, and what its endpoint is told of that. Whole milliseconds, as in Envoy.

use std::time::Duration;

/// Told to an endpoint of a request whose time is over: Envoy takes 0 for no limit.
const LEAST: Duration = Duration::from_millis(1);

/// The time of one attempt; none where it is no shorter than the request's, which then counts alone.
#[must_use]
pub fn per_try(given: Option<Duration>, request: Option<Duration>) -> Option<Duration> {
    given.filter(|given| request.is_none_or(|request| *given < request))
}

/// How long an attempt may take at most that begins so long after the end of the request; none: for ever.
#[must_use]
pub fn expected(
    per_try: Option<Duration>,
    request: Option<Duration>,
    elapsed: Duration,
) -> Option<Duration> {
    let Some(request) = request else {
        return per_try;
    };
    let elapsed = Duration::from_millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX));
    let left = request.saturating_sub(elapsed);
    Some(if left.is_zero() {
        LEAST
    } else {
        per_try.map_or(left, |per_try| per_try.min(left))
    })
}

#[cfg(test)]
mod tests;
