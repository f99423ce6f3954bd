//! One request and its answer, as the client's side counts them and writes them down.

use std::{cell::RefCell, rc::Rc};

use mesh_telemetry::access_log::ResponseFlag;

use super::http::HttpConnection;
use crate::access_log::Record;

/// A request that is under way. Dropped without a word it counts as reset by the client; what is
/// written down of it is written with its end.
pub(crate) struct Exchange {
    connection: Rc<HttpConnection>,
    /// None where there is no access log.
    record: RefCell<Option<Box<Record>>>,
    ended: bool,
}

impl Exchange {
    pub(crate) fn begin(connection: &Rc<HttpConnection>) -> Self {
        connection.request_began();
        Self {
            connection: Rc::clone(connection),
            record: RefCell::new(None),
            ended: false,
        }
    }

    /// Which way it goes.
    pub(crate) fn direction(&self) -> mesh_headers::Direction {
        self.connection.place.direction.into()
    }

    /// Writes it down when it is over.
    pub(crate) fn record(&mut self, record: Option<Box<Record>>) {
        *self.record.get_mut() = record;
    }

    /// Notes something of it, if it is written down.
    pub(crate) fn note(&self, what: impl FnOnce(&mut Record)) {
        if let Some(record) = self.record.borrow_mut().as_deref_mut() {
            what(record);
        }
    }

    /// The answer is through.
    pub(crate) fn finish(mut self) {
        self.ended = true;
    }

    /// The proxy breaks the answer off.
    pub(crate) fn break_off(mut self) {
        self.ended = true;
        self.connection.stats.downstream_rq_tx_reset.increment();
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if !self.ended {
            self.connection.stats.downstream_rq_rx_reset.increment();
            self.note(|record| {
                record.broke(
                    ResponseFlag::DownstreamConnectionTermination,
                    "downstream_remote_disconnect",
                );
            });
        }
        self.connection.request_ended();
    }
}
