//! The compiled form of one listener's virtual hosts and routes.

use std::{borrow::Cow, collections::HashMap};

use mesh_model::snapshot::{RouteTable, VirtualHost};
use serde::Serialize;

use crate::{
    condition::Conditions, path::PathIndex, pattern::InvalidPattern, request::RequestParts,
};

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

/// A table with a regular expression that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("route `{route}` of `{virtual_host}` cannot be compiled")]
pub struct InvalidTable {
    /// The virtual host's name.
    pub virtual_host: String,
    /// The route's name.
    pub route: String,
    /// What is wrong with the expression.
    pub source: InvalidPattern,
}

/// One listener's virtual hosts and routes, compiled.
#[derive(Debug)]
pub struct Table {
    by_domain: HashMap<Box<str>, usize>,
    catch_all: Option<usize>,
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
    ///
    /// # Errors
    /// A route has a regular expression that is none. Documents are checked before they become a
    /// [`RouteTable`], so this means a fault between the two.
    pub fn compile(table: &RouteTable) -> Result<Self, InvalidTable> {
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
        Ok(Self {
            by_domain,
            catch_all,
            virtual_hosts: table
                .virtual_hosts
                .iter()
                .map(Routes::compile)
                .collect::<Result<_, _>>()?,
        })
    }

    /// Decides for a request.
    pub fn decide(&self, request: &RequestParts<'_>) -> Decision {
        let host = lower_case(request.host);
        let named = self.by_domain.get(host.as_ref()).copied();
        match named.or(self.catch_all) {
            Some(virtual_host) => self.decide_in(virtual_host, request),
            None => Decision::NoVirtualHost,
        }
    }

    /// Decides among the routes of one virtual host, whatever Host the request names: a gateway's
    /// next hop.
    pub fn decide_in(&self, virtual_host: usize, request: &RequestParts<'_>) -> Decision {
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
    fn compile(virtual_host: &VirtualHost) -> Result<Self, InvalidTable> {
        let routes = &virtual_host.routes;
        let invalid = |rank: usize, source| InvalidTable {
            virtual_host: virtual_host.name.clone(),
            route: routes[rank].name.clone(),
            source,
        };
        let conditions = routes.iter().enumerate().map(|(rank, route)| {
            Conditions::compile(&route.matches).map_err(|source| invalid(rank, source))
        });
        Ok(Self {
            conditions: conditions.collect::<Result<_, _>>()?,
            paths: PathIndex::new(routes.iter().map(|route| &route.matches.path))
                .map_err(|error| invalid(error.rank, error.source))?,
        })
    }

    fn decide(&self, request: &RequestParts<'_>) -> Option<usize> {
        self.paths
            .candidates(request.path)
            .find(|route| self.conditions[*route].hold(request))
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
