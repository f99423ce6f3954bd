//! An explanation for people.

mod words;

use std::fmt;

use mesh_model::snapshot::{HostRewrite, InstanceFile, PathMatch, PathRewrite, RouteMatch};
use mesh_route::{HostOutcome, RouteOutcome};

use self::words::{discovery, limit, percent, policies, retries, upstream_tls};
use super::{Explanation, Outcome, Step, TakenRoute};

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AwsEndpoint => {
                "passed to the address that was dialled: TLS to *.amazonaws.com on port 443 goes out of \
                 every mesh"
            }
            Self::BadPath => "400: the path holds an escaped NUL",
            Self::ByAddress => {
                "by the address that is dialled: to the TCP service whose name has it, else as the \
                 egress filter says"
            }
            Self::Closed => {
                "closed: no virtual service is on this port, and the egress filter is DROP_ALL"
            }
            Self::NoConnect => "404: no route takes CONNECT",
            Self::NoGatewayRoute => "404: no gateway route has this Host",
            Self::NoListener => "not taken: no listener of the resource is on this port",
            Self::NoVirtualService => {
                "404: no virtual service has this Host, and the egress filter is DROP_ALL"
            }
            Self::NoRoute => "404: no route takes this request",
            Self::NoScheme => "404: an empty x-forwarded-proto leaves the request without a scheme",
            Self::NoShare => "503: every target of the route has weight 0",
            Self::PassedThrough => {
                "passed to the address that was dialled: the egress filter is ALLOW_ALL"
            }
            Self::Routed => "routed",
        })
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.method, self.url)?;
        line(f, "outcome", &self.outcome.to_string())?;
        if self.steps.is_empty() {
            line(f, "port", &self.port.to_string())?;
        }
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            step.write(f)?;
        }
        for port in &self.listeners {
            writeln!(f, "  - listener of port {port}: not this port")?;
        }
        for name in &self.by_address {
            writeln!(
                f,
                "  - virtual service {name}: takes what is dialled at its name's addresses"
            )?;
        }
        for other in &self.elsewhere {
            let name = &other.virtual_service;
            let port = other.port;
            writeln!(f, "  - virtual service {name}: answers on port {port}")?;
        }
        Ok(())
    }
}

impl Step {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (direction, listener, port) = (self.direction, &self.listener, self.port);
        let routes = match &self.route_table {
            Some(table) => format!("routes {table}"),
            None => "every connection alike".to_owned(),
        };
        line(f, direction, &format!("{listener}, port {port}, {routes}"))?;
        if let Some(tls) = &self.tls {
            line(f, "listener TLS", &words::downstream_tls(tls))?;
        }
        if let Some(host) = &self.host {
            line(f, "host", host)?;
        }
        if let Some(path) = &self.path {
            line(f, "path", path)?;
        }
        if let Some(service) = &self.virtual_service {
            let label = match self.direction {
                "egress" => "virtual service",
                _ => "virtual host",
            };
            line(f, label, service)?;
        }
        if let Some(route) = &self.route {
            route.write(f, self.route_word())?;
        }
        for trial in &self.tried {
            writeln!(f, "  - virtual host {}: {}", trial.name, trial.outcome)?;
            if trial.routes.is_empty() && matches!(trial.outcome, HostOutcome::Matches { .. }) {
                writeln!(f, "      it has no routes")?;
            }
            for route in &trial.routes {
                let word = self.route_word();
                match &route.outcome {
                    // A gateway route is tried twice, by `/X/` and by `/X`.
                    RouteOutcome::After { route: winner } if *winner == route.name => {
                        writeln!(
                            f,
                            "      {word} {winner}: has it by its longer prefix already"
                        )?;
                    }
                    outcome => writeln!(f, "      {word} {}: {outcome}", route.name)?,
                }
            }
        }
        Ok(())
    }

    /// What this hop's routes are called in the documents.
    fn route_word(&self) -> &'static str {
        if self.is_gateway {
            "gateway route"
        } else {
            "route"
        }
    }
}

impl TakenRoute {
    fn write(&self, f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
        let asks = match &self.matches {
            Some(matches) => path_words(matches),
            None => "every connection".to_owned(),
        };
        line(f, word, &format!("{}, {asks}", self.name))?;
        for (index, condition) in self.matches.iter().flat_map(words::conditions).enumerate() {
            line(f, if index == 0 { "conditions" } else { "" }, &condition)?;
        }
        for (index, change) in self.changes().iter().enumerate() {
            line(f, if index == 0 { "rewrite" } else { "" }, change)?;
        }
        if let Some(hop) = &self.next_hop {
            let (service, port) = (&hop.virtual_service, hop.port);
            line(
                f,
                "next",
                &format!("virtual service {service}, port {port}"),
            )?;
        }
        let idle = limit(self.idle_timeout);
        if self.matches.is_some() {
            let times = format!("request {}, idle {idle}", limit(self.request_timeout));
            line(f, "timeouts", &times)?;
            line(f, "retries", &retries(self.retry.as_ref()))?;
        } else {
            line(f, "timeouts", &format!("idle {idle}"))?;
        }
        if self.fails_over {
            let when = if self.matches.is_some() {
                "with each retry"
            } else {
                "where no connection can be made"
            };
            let text = format!("to other targets: where no endpoint is fit, and {when}");
            line(f, "failover", &text)?;
        }
        for (index, share) in self.clusters.iter().enumerate() {
            let cluster = &share.cluster;
            let text = format!(
                "{} to {}, {} to {}",
                percent(share.weight, share.of),
                cluster.name,
                cluster.protocol.as_str(),
                discovery(cluster)
            );
            line(f, if index == 0 { "clusters" } else { "" }, &text)?;
            if let Some(tls) = &cluster.tls {
                line(f, "", &format!("  TLS: {}", upstream_tls(tls)))?;
            }
            if let Some(InstanceFile { path, node, .. }) = &cluster.instances {
                line(f, "", &format!("  where {path} says, if it names {node}"))?;
            }
            for policy in policies(cluster) {
                line(f, "", &format!("  {policy}"))?;
            }
        }
        Ok(())
    }

    fn changes(&self) -> Vec<String> {
        let host = self.rewrite.host.as_ref().map(|rewrite| match rewrite {
            HostRewrite::To(host) => format!("Host to {host}"),
            HostRewrite::KeptBeside(service) => {
                format!("none of the Host; x-app-mesh-virtual-service: {service}")
            }
        });
        let path = self.rewrite.path.as_ref().map(|rewrite| match rewrite {
            PathRewrite::Prefix(prefix) => format!("matched prefix to {prefix}"),
            PathRewrite::Whole(path) => format!("path to {path}"),
        });
        host.into_iter().chain(path).collect()
    }
}

fn path_words(matches: &RouteMatch) -> String {
    match &matches.path {
        PathMatch::Exact(path) => format!("path {path}"),
        PathMatch::Prefix(prefix) => format!("paths from {prefix}"),
        PathMatch::Regex(expression) => format!("paths that `{expression}` matches as a whole"),
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {label:<16} {text}")
}
