//! Messages of DNS (RFC 1035, section 4.1), as far as a name server of one record a name needs them.

use std::net::IpAddr;

/// What fits into a datagram (RFC 1035, section 4.2.1).
const LONGEST_DATAGRAM: usize = 512;
const HEADER: usize = 12;

/// A question for addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// A records.
    V4,
    /// AAAA records.
    V6,
}

/// What an answer without records says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// There is such a name, and nothing of it.
    Nothing,
    /// SERVFAIL
    Failed,
    /// NXDOMAIN
    NoSuchName,
    /// REFUSED
    Refused,
}

/// A question.
pub(super) struct Question {
    pub(super) id: u16,
    /// In lower case, without the dot at its end.
    pub(super) name: String,
    /// None where it is for something else than addresses.
    pub(super) family: Option<Family>,
    /// As it was asked.
    bytes: Vec<u8>,
}

impl Question {
    /// Reads a message; none where it is no question.
    pub(super) fn parse(message: &[u8]) -> Option<Self> {
        let id = u16::from_be_bytes(*message.first_chunk()?);
        let mut labels = Vec::new();
        let mut at = HEADER;
        loop {
            let length = usize::from(*message.get(at)?);
            at += 1;
            if length == 0 {
                break;
            }
            let label = message.get(at..at + length)?;
            labels.push(String::from_utf8_lossy(label).to_ascii_lowercase());
            at += length;
        }
        let family = match message.get(at..at + 2)? {
            [0, 1] => Some(Family::V4),
            [0, 28] => Some(Family::V6),
            _ => None,
        };
        Some(Self {
            id,
            name: labels.join("."),
            family,
            bytes: message.get(HEADER..at + 4)?.to_vec(),
        })
    }

    /// An answer with the addresses of the family that was asked for. What does not fit into a datagram
    /// is left out of it, and said to be.
    pub(super) fn answer(&self, addresses: &[IpAddr], ttl: u32, by_tcp: bool) -> Vec<u8> {
        let of_family = addresses.iter().filter(|address| match self.family {
            Some(Family::V4) => address.is_ipv4(),
            Some(Family::V6) => address.is_ipv6(),
            None => false,
        });
        let records: Vec<Vec<u8>> = of_family.map(|address| record(address, ttl)).collect();
        let length = |count: usize| {
            let records: usize = records[..count].iter().map(Vec::len).sum();
            HEADER + self.bytes.len() + records
        };
        let fits = |count: &usize| by_tcp || length(*count) <= LONGEST_DATAGRAM;
        let count = (0..=records.len()).rev().find(fits).unwrap_or(0);
        self.message(Code::Nothing, count < records.len(), &records[..count])
    }

    pub(super) fn answer_code(&self, code: Code) -> Vec<u8> {
        self.message(code, false, &[])
    }

    /// An answer of which all is left out.
    pub(super) fn answer_torn_off(&self) -> Vec<u8> {
        self.message(Code::Nothing, true, &[])
    }

    /// What begins like an answer.
    pub(super) fn garble(&self) -> Vec<u8> {
        let mut message = self.message(Code::Nothing, false, &[]);
        // More records than there are.
        message[7] = 200;
        message.extend([0xff; 40]);
        message
    }

    fn message(&self, code: Code, is_torn_off: bool, records: &[Vec<u8>]) -> Vec<u8> {
        // An answer, and recursion is to be had.
        let mut flags = [0x81, 0x80];
        if is_torn_off {
            flags[0] |= 2;
        }
        flags[1] |= match code {
            Code::Nothing => 0,
            Code::Failed => 2,
            Code::NoSuchName => 3,
            Code::Refused => 5,
        };
        let count = u16::try_from(records.len()).unwrap_or(u16::MAX);
        let [high, low] = count.to_be_bytes();
        [
            &self.id.to_be_bytes()[..],
            &flags,
            &[0, 1, high, low, 0, 0, 0, 0],
            &self.bytes,
            &records.concat(),
        ]
        .concat()
    }
}

/// A record of the name that was asked for.
fn record(address: &IpAddr, ttl: u32) -> Vec<u8> {
    let (kind, data) = match address {
        IpAddr::V4(v4) => (1, v4.octets().to_vec()),
        IpAddr::V6(v6) => (28, v6.octets().to_vec()),
    };
    let length = u8::try_from(data.len()).expect("addresses are shorter");
    [
        // The name stands behind the header; then kind and class.
        &[0xc0, 12, 0, kind, 0, 1][..],
        &ttl.to_be_bytes(),
        &[0, length],
        &data,
    ]
    .concat()
}
