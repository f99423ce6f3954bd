//! One request and its answer, as the client's side counts them and writes them down.

use std::{cell::RefCell, rc::Rc};

use mesh_telemetry::{access_log::ResponseFlag, reason::Reason};

use super::http::HttpConnection;
use crate::{access_log::Record, upstream::LocalCluster};

/// How a client left a request that was under way, as the access log has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Gone {
    /// Its body had another length than it said.
    BrokeBody,
    /// It sent a head or trailers that are none, and lost its connection.
    BrokeHead,
    /// It broke the protocol, and lost its connection.
    BrokeProtocol,
    /// It was still there when a drain was over: the proxy's, or that of its port.
    Cut,
    /// Its connection closed.
    #[default]
    Disconnected,
    /// It reset the stream.
    Reset,
}

impl Gone {
    fn told(self) -> (ResponseFlag, &'static str) {
        match self {
            Self::BrokeBody => (ResponseFlag::DownstreamProtocolError, "http2.remote_reset"),
            Self::BrokeHead => (
                ResponseFlag::DownstreamProtocolError,
                "http2.invalid.header.field",
            ),
            Self::BrokeProtocol => (
                ResponseFlag::DownstreamProtocolError,
                "codec_error:The_user_callback_function_failed",
            ),
            // What Envoy says of connections that are there when its process ends.
            Self::Cut => (
                ResponseFlag::DownstreamConnectionTermination,
                "downstream_local_disconnect(purging_socket_that_have_not_progressed_to_connections)",
            ),
            Self::Disconnected => (
                ResponseFlag::DownstreamConnectionTermination,
                "downstream_remote_disconnect",
            ),
            Self::Reset => (ResponseFlag::DownstreamRemoteReset, "http2.remote_reset"),
        }
    }
}

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

    /// It has no answer of its service, or one that says that the service failed. `cluster` is where it
    /// went; none if it came to none.
    pub(crate) fn fails(&self, reason: Reason, cluster: Option<&LocalCluster>) {
        let HttpConnection { worker, place, .. } = &*self.connection;
        let direction = place.direction;
        match cluster {
            Some(cluster) => cluster.failures(direction, &worker.stats).count(reason),
            None => worker.failures(direction).count(reason),
        }
        self.note(|record| record.entry.reason = Some(reason));
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
            let (how, received) = self.connection.how_lost();
            let (flag, details) = how.told();
            self.note(|record| {
                record.entry.bytes_received = received;
                record.broke(flag, details);
            });
        }
        self.connection.request_ended();
    }
}
