//! One request and its answer, as the client's side counts them.

use std::rc::Rc;

use super::http::HttpConnection;

/// A request that is under way. Dropped without a word it counts as reset by the client.
pub(crate) struct Exchange {
    connection: Rc<HttpConnection>,
    ended: bool,
}

impl Exchange {
    pub(crate) fn begin(connection: &Rc<HttpConnection>) -> Self {
        connection.request_began();
        Self {
            connection: Rc::clone(connection),
            ended: false,
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
        }
        self.connection.request_ended();
    }
}
