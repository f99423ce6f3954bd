//! How long a connection of a client goes on, and how it ends where the client does not end it.

use std::{
    future::Future,
    pin::{Pin, pin},
};

use tokio::time::{Instant, sleep_until};

use super::{HttpConnection, IDLE_LIMIT};
use crate::{detect::HttpVersion, generation::Serving, worker::DRAIN_GRACE};

/// Runs a connection to its end; closes it when it idles too long, and gently when its direction
/// drains or its port is served otherwise: HTTP/2 by GOAWAY, HTTP/1 with its next answer or once it is
/// idle. What is open when that drain is over is cut. A client that has just come gets its first request
/// through before it hears of a GOAWAY.
pub(crate) async fn drive<S, T: Default, E>(
    mut serving: Pin<&mut S>,
    connection: &HttpConnection,
    close_gently: impl Fn(Pin<&mut S>),
) -> Result<T, E>
where
    S: Future<Output = Result<T, E>>,
{
    let mut idleness = Idleness::new(connection);
    let mut header_is_late = pin!(connection.header_is_late());
    let leaving = connection.worker.leaving(connection.place, &Serving::Http);
    let mut leaving = pin!(leaving);
    let mut cut = None;
    loop {
        let check = idleness.check;
        tokio::select! {
            biased;
            // Before the next request, whose answer is to say it.
            at = &mut leaving, if !connection.draining.get() => {
                connection.draining.set(true);
                cut = at;
                idleness.check = Instant::now() + DRAIN_GRACE;
                if connection.version == HttpVersion::Http2 && connection.has_asked.get() {
                    close_gently(serving.as_mut());
                }
                continue;
            }
            outcome = &mut serving => return outcome,
            () = &mut header_is_late => {
                connection.stats.downstream_rq_idle_timeout.increment();
                return Ok(T::default());
            }
            () = sleep_until(cut.map_or(check, |cut| check.min(cut))) => {}
        }
        if cut.is_some_and(|cut| cut <= Instant::now()) {
            connection.is_cut.set(true);
            return Ok(T::default());
        }
        if connection.draining.get() && connection.version == HttpVersion::Http2 {
            // Once more changes nothing.
            close_gently(serving.as_mut());
        }
        match idleness.look(connection) {
            Due::Nothing => {}
            Due::GentleEnd => close_gently(serving.as_mut()),
            Due::End => return Ok(T::default()),
        }
    }
}

/// How long a connection has been without a request, and what was done about it.
struct Idleness {
    /// When to look next.
    check: Instant,
    is_closing: bool,
}

/// What is to be done about a connection without a request.
enum Due {
    Nothing,
    GentleEnd,
    End,
}

impl Idleness {
    fn new(connection: &HttpConnection) -> Self {
        Self {
            check: connection.last_request.get() + IDLE_LIMIT,
            is_closing: false,
        }
    }

    fn look(&mut self, connection: &HttpConnection) -> Due {
        let is_draining = connection.draining.get();
        let limit = if is_draining || self.is_closing {
            DRAIN_GRACE
        } else {
            IDLE_LIMIT
        };
        let now = Instant::now();
        let idle_at = connection.idle_at(limit);
        if idle_at.is_none_or(|moment| moment > now) {
            self.check = idle_at.unwrap_or(now + limit);
            return Due::Nothing;
        }
        if self.is_closing {
            // It was closed gently and is still here: a client that neither speaks nor leaves.
            return Due::End;
        }
        if !is_draining {
            connection.stats.downstream_cx_idle_timeout.increment();
        }
        self.is_closing = true;
        self.check = now + DRAIN_GRACE;
        Due::GentleEnd
    }
}
