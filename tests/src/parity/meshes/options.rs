//! The document of options: what the services of single cases have besides what documents of App Mesh say.

use serde_json::{Value, json};

use super::{milliseconds, times};
use crate::parity::case::{Own, Unrouted};

#[derive(Debug, Default)]
pub(super) struct Options {
    services: Vec<Value>,
    nodes: Vec<Value>,
}

impl Options {
    /// What a service has that its node provides without a route.
    pub(super) fn of_unrouted(
        &mut self,
        (service, node): (&str, &str),
        own: &Own,
        unrouted: Unrouted,
    ) {
        let mut timeout = times(own);
        let per_try = unrouted.per_try.map(milliseconds);
        timeout.extend(per_try.map(|value| ("perTry".to_owned(), value)));
        self.services
            .push(json!({ "virtualServiceName": service, "timeout": timeout }));
        if let Some(connect) = unrouted.connect {
            let connect = milliseconds(connect);
            self.nodes
                .push(json!({ "virtualNodeName": node, "connectTimeout": connect }));
        }
    }

    pub(super) fn document(self) -> Value {
        json!({
            "apiVersion": "ferromesh.dev/v1",
            "kind": "MeshOptions",
            "metadata": { "name": "cases" },
            "spec": { "virtualServices": self.services, "virtualNodes": self.nodes },
        })
    }
}
