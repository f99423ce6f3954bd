//! The names that nodes are found by: with addresses of either family, of both, and with none, in every way
//! of using an answer and under every preference.

use super::{FIRST_NODE, node_address};

/// A virtual service with a node of its own.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// What the node's document has for its host name.
    pub(crate) hostname: String,
    /// `responseType`; none: the document has none.
    pub(crate) response: Option<&'static str>,
    /// `ipPreference`; none: the document has none.
    pub(crate) preference: Option<&'static str>,
    /// Where requests go: nowhere, to one address, or to each of several.
    pub(crate) reached: Vec<String>,
}

/// A name that the name server knows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    pub(crate) name: &'static str,
    /// How many addresses it has of each family.
    v4: u8,
    v6: u8,
}

/// What is asked for as well, and no name server knows.
const UNKNOWN: Known = Known {
    name: "found-nowhere",
    v4: 0,
    v6: 0,
};

/// The names that the name server knows.
pub(crate) const KNOWN: [Known; 5] = [
    Known {
        name: "found-v4",
        v4: 1,
        v6: 0,
    },
    Known {
        name: "found-v6",
        v4: 0,
        v6: 1,
    },
    Known {
        name: "found-both",
        v4: 1,
        v6: 1,
    },
    Known {
        name: "found-several",
        v4: 4,
        v6: 0,
    },
    Known {
        name: "found-all",
        v4: 3,
        v6: 4,
    },
];

/// The most addresses of a family that a name has.
pub(crate) const MOST: u8 = 4;

const PREFERENCES: [Option<&str>; 5] = [
    None,
    Some("IPv4_ONLY"),
    Some("IPv4_PREFERRED"),
    Some("IPv6_ONLY"),
    Some("IPv6_PREFERRED"),
];

impl Known {
    /// Its addresses, in the order in which the name server is told of them.
    pub(crate) fn v4(self) -> impl Iterator<Item = String> {
        (0..self.v4).map(|number| node_address(usize::from(number)))
    }

    pub(crate) fn v6(self) -> impl Iterator<Item = String> {
        (0..self.v6).map(v6_address)
    }

    /// Where a preference leads.
    fn reached(self, preference: Option<&str>) -> Vec<String> {
        let (v4, v6): (Vec<String>, Vec<String>) = (self.v4().collect(), self.v6().collect());
        let or = |one: Vec<String>, other| if one.is_empty() { other } else { one };
        match preference {
            Some("IPv4_ONLY") => v4,
            Some("IPv6_ONLY") => v6,
            Some("IPv4_PREFERRED") => or(v4, v6),
            _ => or(v6, v4),
        }
    }
}

/// The IPv6 address of the virtual node with this number.
pub(crate) fn v6_address(number: u8) -> String {
    format!("2001:db8::{}", FIRST_NODE + number)
}

/// The services of the mesh.
pub(crate) fn services() -> Vec<Service> {
    let mut services = Vec::new();
    for known in KNOWN.into_iter().chain([UNKNOWN]) {
        for preference in PREFERENCES {
            for response in [None, Some("LOADBALANCER"), Some("ENDPOINTS")] {
                // What is not said is told once from what is said.
                if response.is_none() && preference.is_some() {
                    continue;
                }
                let hostname = format!("{}.apps.local", known.name);
                let reached = known.reached(preference);
                services.push(service(
                    known.name, &hostname, response, preference, reached,
                ));
            }
        }
    }
    let both = KNOWN[2];
    for (name, hostname) in [
        ("dot", format!("{}.apps.local.", both.name)),
        (
            "capitals",
            format!("{}.Apps.LOCAL", both.name.to_uppercase()),
        ),
    ] {
        for response in ["LOADBALANCER", "ENDPOINTS"] {
            let reached = both.reached(None);
            services.push(service(name, &hostname, Some(response), None, reached));
        }
    }
    for (name, address) in [
        ("literal-v4", node_address(0)),
        ("literal-v6", v6_address(0)),
    ] {
        for preference in PREFERENCES {
            let reached = vec![address.clone()];
            services.push(service(
                name,
                &address,
                Some("ENDPOINTS"),
                preference,
                reached,
            ));
        }
    }
    services
}

fn service(
    name: &str,
    hostname: &str,
    response: Option<&'static str>,
    preference: Option<&'static str>,
    reached: Vec<String>,
) -> Service {
    let words = [response, preference].map(|word| word.unwrap_or("unset"));
    let words = words.join("-").replace('_', "-").to_lowercase();
    Service {
        name: format!("{name}-{words}"),
        hostname: hostname.to_owned(),
        response,
        preference,
        reached,
    }
}
