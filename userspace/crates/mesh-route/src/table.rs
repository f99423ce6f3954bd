//! The compiled form of one listener's virtual hosts and routes.

use mesh_model::snapshot::{RouteTable, VirtualHost};
use serde::Serialize;

use crate::{condition::Conditions, host::HostIndex, path::PathIndex, request::RequestParts};

/// What became of a request, by index into the [`RouteTable`] that was compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Decision {
    /// The virtual host has no route for this request.
    NoRoute {
        /// Which virtual host.
        virtual_host: usize,
    },
    /// No virtual host answers this Host.
    NoVirtualHost,
    /// This route takes it.
    Route {
        /// Which virtual host.
        virtual_host: usize,
        /// Which of its routes.
        route: usize,
    },
}

/// One listener's virtual hosts and routes, compiled.
#[derive(Debug)]
pub struct Table {
    hosts: HostIndex,
    virtual_hosts: Vec<Routes>,
}

/// The routes of one virtual host, compiled.
#[derive(Debug)]
struct Routes {
    paths: PathIndex,
    conditions: Vec<Conditions>,
}

impl Table {
    /// Compiles a table. Where two virtual hosts claim one domain, the first of them has it.
    pub fn compile(table: &RouteTable) -> Self {
        Self {
            hosts: HostIndex::new(&table.virtual_hosts),
            virtual_hosts: table.virtual_hosts.iter().map(Routes::compile).collect(),
        }
    }

    /// Decides for a request.
    pub fn decide(&self, request: &RequestParts<'_>) -> Decision {
        let Some(virtual_host) = self.hosts.find(request.host) else {
            return Decision::NoVirtualHost;
        };
        match self.virtual_hosts[virtual_host].decide(request) {
            Some(route) => Decision::Route {
                virtual_host,
                route,
            },
            None => Decision::NoRoute { virtual_host },
        }
    }
}

impl Routes {
    fn compile(virtual_host: &VirtualHost) -> Self {
        let matches = virtual_host.routes.iter().map(|route| &route.matches);
        Self {
            paths: PathIndex::new(matches.clone().map(|matches| &matches.path)),
            conditions: matches.map(Conditions::compile).collect(),
        }
    }

    fn decide(&self, request: &RequestParts<'_>) -> Option<usize> {
        self.paths
            .candidates(request.path)
            .find(|route| self.conditions[*route].hold(request))
    }
}

#[cfg(test)]
mod tests;
