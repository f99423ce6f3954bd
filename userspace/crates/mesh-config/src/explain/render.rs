//! An explanation for people.

use std::{fmt, time::Duration};

use super::{Explanation, Outcome, TakenRoute, discovery_text};

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => {
                "closed: no virtual service is on this port, and the egress filter is DROP_ALL"
            }
            Self::NoVirtualService => {
                "404: no virtual service has this Host, and the egress filter is DROP_ALL"
            }
            Self::NoRoute => "404: no route of the virtual service takes this path",
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
        let table = self.route_table.as_deref().unwrap_or("no route table");
        line(
            f,
            "listener",
            &format!("egress, port {}, {table}", self.port),
        )?;
        line(f, "host", &self.host)?;
        line(f, "outcome", &self.outcome.to_string())?;
        if let Some(service) = &self.virtual_service {
            line(f, "virtual service", service)?;
        }
        if let Some(route) = &self.route {
            route.write(f)?;
        }
        for trial in &self.tried {
            writeln!(f, "  - virtual service {}: {}", trial.name, trial.outcome)?;
            for route in &trial.routes {
                writeln!(f, "      route {}: {}", route.name, route.outcome)?;
            }
        }
        for other in &self.elsewhere {
            let name = &other.virtual_service;
            writeln!(
                f,
                "  - virtual service {name}: answers on port {}",
                other.port
            )?;
        }
        Ok(())
    }
}

impl TakenRoute {
    fn write(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.prefix {
            Some(prefix) => line(f, "route", &format!("{}, paths from {prefix}", self.name))?,
            None => line(f, "route", &format!("{}, every connection", self.name))?,
        }
        let idle = limit(self.idle_timeout);
        let timeouts = match &self.prefix {
            Some(_) => format!("request {}, idle {idle}", limit(self.request_timeout)),
            None => format!("idle {idle}"),
        };
        line(f, "timeouts", &timeouts)?;
        for (index, share) in self.clusters.iter().enumerate() {
            let text = format!(
                "{} of {} to {}, {} to {}",
                share.weight,
                share.of,
                share.cluster,
                share.protocol.as_str(),
                discovery_text(&share.discovery)
            );
            line(f, if index == 0 { "clusters" } else { "" }, &text)?;
        }
        Ok(())
    }
}

fn line(f: &mut fmt::Formatter<'_>, label: &str, text: &str) -> fmt::Result {
    writeln!(f, "  {label:<16} {text}")
}

fn limit(timeout: Option<Duration>) -> String {
    match timeout {
        None => "unlimited".to_owned(),
        Some(timeout) if timeout.subsec_millis() == 0 => format!("{} s", timeout.as_secs()),
        Some(timeout) => format!("{} ms", timeout.as_millis()),
    }
}
