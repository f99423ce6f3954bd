//! The header fields that a format wants, and their values.

use std::borrow::Cow;

use super::{format::FormatFault, operator::Operator};

/// A message whose header fields a format may want.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message {
    /// The request's header.
    Request,
    /// The answer's header.
    Response,
    /// What follows the answer's body.
    Trailers,
}

/// The header fields that the operators of a format want; the index is the slot of its value.
#[derive(Debug, Default)]
pub(super) struct Headers(Vec<Wanted>);

#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    of: Message,
    name: String,
    otherwise: Option<String>,
    without_query: bool,
    /// It may be in the answer's header as well, where that is all of the answer.
    or_response: bool,
}

/// Values of header fields, as a format wants them.
#[derive(Clone, Debug, Default)]
pub struct Captured(Vec<Option<Box<[u8]>>>);

impl Captured {
    pub(super) fn get(&self, slot: usize) -> Option<&[u8]> {
        self.0.get(slot)?.as_deref()
    }
}

impl Headers {
    /// Keeps what is wanted of a message.
    pub(super) fn capture<'v>(
        &self,
        captured: &mut Captured,
        of: Message,
        value: impl Fn(&str) -> Option<Cow<'v, [u8]>>,
    ) {
        captured.0.resize(self.0.len(), None);
        for (slot, wanted) in self.0.iter().enumerate() {
            if wanted.of != of && !(wanted.or_response && of == Message::Response) {
                continue;
            }
            let otherwise = || wanted.otherwise.as_deref().and_then(&value);
            let Some(mut found) = value(&wanted.name).or_else(otherwise) else {
                continue;
            };
            if wanted.without_query
                && let Some(query) = found.iter().position(|byte| *byte == b'?')
            {
                found = found[..query].to_vec().into();
            }
            captured.0[slot] = Some(found.into());
        }
    }

    /// The operator for `NAME` or `NAME?OTHERWISE`.
    pub(super) fn slot(
        &mut self,
        of: Message,
        argument: Option<&str>,
        without_query: bool,
    ) -> Result<Operator, FormatFault> {
        let names = argument.ok_or(FormatFault::NoHeader)?.to_ascii_lowercase();
        let mut names = names.split('?');
        let name = names.next().unwrap_or_default().to_owned();
        let otherwise = names.next().filter(|name| !name.is_empty());
        if name.is_empty() {
            return Err(FormatFault::NoHeader);
        }
        if names.next().is_some() {
            return Err(FormatFault::Alternatives);
        }
        Ok(Operator::Header(self.want(Wanted {
            of,
            name,
            otherwise: otherwise.map(ToOwned::to_owned),
            without_query,
            or_response: false,
        })))
    }

    /// The operator for `PATH(QUERY:OF)`: with or without the query, as it came to this proxy or as it
    /// came to another before it.
    pub(super) fn path(&mut self, argument: Option<&str>) -> Result<Operator, FormatFault> {
        const PATH: &str = ":path";
        const ORIGINAL: &str = "x-envoy-original-path";
        let argument = argument.unwrap_or_default();
        let (query, of) = argument.split_once(':').unwrap_or((argument, ""));
        let without_query = match query {
            "" | "WQ" => false,
            "NQ" => true,
            _ => return Err(FormatFault::Path),
        };
        let (name, otherwise) = match of {
            "" | "ORIG_OR_PATH" => (ORIGINAL, Some(PATH)),
            "ORIG" => (ORIGINAL, None),
            "PATH" => (PATH, None),
            _ => return Err(FormatFault::Path),
        };
        Ok(Operator::Header(self.want(Wanted {
            of: Message::Request,
            name: name.to_owned(),
            otherwise: otherwise.map(ToOwned::to_owned),
            without_query,
            or_response: false,
        })))
    }

    fn want(&mut self, wanted: Wanted) -> usize {
        if let Some(known) = self.0.iter().position(|known| *known == wanted) {
            return known;
        }
        self.0.push(wanted);
        self.0.len() - 1
    }

    /// The status of a gRPC call.
    pub(super) fn grpc_status(&mut self) -> usize {
        self.want(Wanted {
            of: Message::Trailers,
            name: "grpc-status".to_owned(),
            otherwise: None,
            without_query: false,
            or_response: true,
        })
    }
}
