//! The document of options: what the services of single cases have besides what documents of App Mesh say.

use serde_json::{Map, Value, json};

use super::parts::{milliseconds, times};
use crate::parity::case::{Budget, Own, Unrouted};

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

    /// How many retries may be under way to a node.
    pub(super) fn of_retries(&mut self, node: &str, budget: Budget) {
        let members = [
            ("budgetPercent", budget.percent),
            ("minRetryConcurrency", budget.least),
        ];
        let given = members
            .into_iter()
            .filter_map(|(member, value)| Some((member.to_owned(), json!(value?))));
        let budget: Map<_, _> = given.collect();
        self.nodes
            .push(json!({ "virtualNodeName": node, "retryBudget": budget }));
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
