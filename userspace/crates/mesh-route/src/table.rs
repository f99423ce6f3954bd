//! The compiled form of one listener's virtual hosts and routes.

use std::{borrow::Cow, collections::HashMap};

use mesh_model::snapshot::{PathMatch, Route, RouteTable, VirtualHost};
use serde::Serialize;

use crate::prefix::PrefixIndex;

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
    by_domain: HashMap<Box<str>, usize>,
    catch_all: Option<usize>,
    routes: Vec<PrefixIndex>,
}

impl Table {
    /// Compiles a table. Where two virtual hosts claim one domain, or two routes of a virtual host
    /// one prefix, the first of them has it.
    pub fn compile(table: &RouteTable) -> Self {
        let mut by_domain = HashMap::new();
        let mut catch_all = None;
        for (index, virtual_host) in table.virtual_hosts.iter().enumerate() {
            for domain in &virtual_host.domains {
                if domain == "*" {
                    catch_all.get_or_insert(index);
                } else {
                    by_domain
                        .entry(domain.to_ascii_lowercase().into_boxed_str())
                        .or_insert(index);
                }
            }
        }
        Self {
            by_domain,
            catch_all,
            routes: table.virtual_hosts.iter().map(index_routes).collect(),
        }
    }

    /// Decides for a request. `host` is its Host or `:authority` as it came, port and letter case
    /// included; `path` is its path without the query.
    pub fn decide(&self, host: &str, path: &str) -> Decision {
        let named = self.by_domain.get(lower_case(host).as_ref()).copied();
        let Some(virtual_host) = named.or(self.catch_all) else {
            return Decision::NoVirtualHost;
        };
        match self.routes[virtual_host].first_match(path) {
            Some(route) => Decision::Route {
                virtual_host,
                route,
            },
            None => Decision::NoRoute { virtual_host },
        }
    }
}

fn index_routes(virtual_host: &VirtualHost) -> PrefixIndex {
    PrefixIndex::new(virtual_host.routes.iter().map(prefix_of))
}

fn prefix_of(route: &Route) -> &str {
    match &route.matches.path {
        PathMatch::Prefix(prefix) | PathMatch::Exact(prefix) | PathMatch::Regex(prefix) => prefix,
    }
}

/// Hosts are compared without letter case (RFC 9110, section 4.2.3); most come in lower case and
/// cost nothing.
pub(crate) fn lower_case(host: &str) -> Cow<'_, str> {
    if host.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(host.to_ascii_lowercase())
    } else {
        Cow::Borrowed(host)
    }
}

#[cfg(test)]
mod tests;
