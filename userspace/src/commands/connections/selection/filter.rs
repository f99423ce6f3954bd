//! One condition on connections, as it is written on the command line.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
    str::FromStr,
};

use ipnet::IpNet;

use super::{super::row::Row, Key};

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Filter {
    written: String,
    key: Key,
    test: Test,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Test {
    /// One of these words, or none of them.
    Words(Vec<String>, bool),
    /// In one of these, or in none of them.
    Places(Vec<Place>, bool),
    /// One of these numbers, or none of them.
    Numbers(Vec<u64>, bool),
    Above(u64),
    Below(u64),
}

/// A part of all addresses and ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    network: Option<IpNet>,
    port: Option<u16>,
}

impl Filter {
    pub(crate) fn takes(&self, row: &Row) -> bool {
        match &self.test {
            Test::Words(words, wanted) => {
                words.iter().any(|word| word == self.word(row)) == *wanted
            }
            Test::Places(places, wanted) => {
                let address = if self.key == Key::Local {
                    row.local
                } else {
                    row.remote
                };
                places.iter().any(|place| place.holds(address)) == *wanted
            }
            Test::Numbers(numbers, wanted) => {
                let number = self.key.number(row);
                number.is_some_and(|number| numbers.contains(&number)) == *wanted
            }
            // What is not known is neither above nor below.
            Test::Above(bound) => self.key.number(row).is_some_and(|number| number > *bound),
            Test::Below(bound) => self.key.number(row).is_some_and(|number| number < *bound),
        }
    }

    fn word<'a>(&self, row: &'a Row) -> &'a str {
        match self.key {
            Key::Workload => &row.workload,
            Key::Direction => &row.direction,
            Key::Verdict => &row.verdict,
            _ => &row.reason,
        }
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for Filter {
    type Err = String;

    fn from_str(given: &str) -> Result<Self, String> {
        let place = given
            .find(['=', '!', '<', '>'])
            .ok_or("write KEY=VALUE, KEY!=VALUE, KEY<NUMBER or KEY>NUMBER")?;
        let (key, rest) = given.split_at(place);
        let key: Key = key.trim().parse()?;
        let (operator, value) = if let Some(value) = rest.strip_prefix("!=") {
            ("!=", value)
        } else {
            rest.split_at(1)
        };
        let value = value.trim();
        let test = match operator {
            "=" | "!=" => equality(key, value, operator == "=")?,
            "<" | ">" if !is_number(key) => {
                return Err(format!("{} has no order; use = or !=", key.as_str()));
            }
            "<" => Test::Below(number(key, value)?),
            ">" => Test::Above(number(key, value)?),
            _ => return Err("write KEY=VALUE, KEY!=VALUE, KEY<NUMBER or KEY>NUMBER".to_owned()),
        };
        Ok(Self {
            written: given.to_owned(),
            key,
            test,
        })
    }
}

fn equality(key: Key, value: &str, wanted: bool) -> Result<Test, String> {
    let values = value.split(',').map(str::trim);
    Ok(match key {
        Key::Local | Key::Remote => {
            Test::Places(values.map(str::parse).collect::<Result<_, _>>()?, wanted)
        }
        _ if is_number(key) => Test::Numbers(
            values
                .map(|value| number(key, value))
                .collect::<Result<_, _>>()?,
            wanted,
        ),
        _ => {
            let words: Vec<String> = values.map(str::to_owned).collect();
            if let Some(all) = vocabulary(key)
                && let Some(unknown) = words.iter().find(|word| !all.contains(&word.as_str()))
            {
                return Err(format!(
                    "there is no {} `{unknown}`; use one of {}",
                    key.as_str(),
                    all.join(", ")
                ));
            }
            Test::Words(words, wanted)
        }
    })
}

/// The words that a key may have; none where there is no end to them.
fn vocabulary(key: Key) -> Option<Vec<&'static str>> {
    match key {
        Key::Direction => Some(vec!["egress", "ingress"]),
        Key::Verdict => Some(vec!["direct", "redirected", "refused"]),
        Key::Reason => Some(mesh_bpf::reasons().collect()),
        _ => None,
    }
}

fn is_number(key: Key) -> bool {
    key.is_amount() || matches!(key, Key::Uid | Key::Gid)
}

/// A number in the unit in which rows have it: an age is written in seconds, bytes may be thousands.
fn number(key: Key, written: &str) -> Result<u64, String> {
    let (digits, factor) = match written.as_bytes().last() {
        Some(b'k') => (&written[..written.len() - 1], 1_000),
        Some(b'M') => (&written[..written.len() - 1], 1_000_000),
        Some(b'G') => (&written[..written.len() - 1], 1_000_000_000),
        _ => (written, 1),
    };
    let unit = if key == Key::Age { 1000 } else { 1 };
    let number: Option<u64> = digits.parse().ok();
    number
        .and_then(|number| number.checked_mul(factor * unit))
        .ok_or_else(|| {
            format!(
                "`{written}` is no value of {}; write a whole number",
                key.as_str()
            )
        })
}

impl Place {
    fn holds(&self, address: SocketAddr) -> bool {
        self.network
            .is_none_or(|network| network.contains(&address.ip()))
            && self.port.is_none_or(|port| port == address.port())
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(written: &str) -> Result<Self, String> {
        let (network, port) = if let Some(bracketed) = written.strip_prefix('[') {
            let (network, port) = bracketed.split_once(']').ok_or("a `]` is missing")?;
            (network, port.strip_prefix(':'))
        } else {
            match written.split_once(':') {
                Some((network, port)) if !port.contains(':') => (network, Some(port)),
                _ => (written, None),
            }
        };
        let bad = |what: &str| {
            format!("`{what}` is no address; write ADDRESS, CIDR, :PORT, CIDR:PORT or [CIDR]:PORT")
        };
        let network = match network {
            "" => None,
            text => Some(
                text.parse::<IpNet>()
                    .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                    .map_err(|_| bad(text))?,
            ),
        };
        let port = port
            .map(|port| port.parse().map_err(|_| bad(written)))
            .transpose()?;
        if network.is_none() && port.is_none() {
            return Err(bad(written));
        }
        Ok(Self { network, port })
    }
}
