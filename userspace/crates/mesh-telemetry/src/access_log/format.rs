//! What a line says: Envoy's command operators, parsed once and written for each entry.

use std::{borrow::Cow, collections::BTreeMap};

use thiserror::Error;

use super::{
    Entry,
    captured::{Captured, Headers, Message},
    command::Command,
    operator::{Field, GrpcStatus, Operator, Value},
    unkept,
};

macro_rules! default_line {
    ($($more:literal),*) => {
        concat!(
            "[%START_TIME%] \"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%\" ",
            "%RESPONSE_CODE% %RESPONSE_FLAGS% %BYTES_RECEIVED% %BYTES_SENT% %DURATION% ",
            "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% \"%REQ(X-FORWARDED-FOR)%\" \"%REQ(USER-AGENT)%\" ",
            "\"%REQ(X-REQUEST-ID)%\" \"%REQ(:AUTHORITY)%\" \"%UPSTREAM_HOST%\"",
            $($more,)*
            "\n",
        )
    };
}

/// Envoy's default line.
const DEFAULT: &str = default_line!();

/// Envoy's default line, and behind it in one word why the request failed.
pub const DEFAULT_WITH_REASON: &str = default_line!(" %FERROMESH_REASON%");

/// What stands for what there is not.
const ABSENT: &[u8] = b"-";

/// A format that Envoy refuses.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}`: {fault}")]
pub struct InvalidFormat {
    /// The part that is at fault.
    pub text: String,
    /// The rule that it breaks.
    pub fault: FormatFault,
}

/// A rule of Envoy's format language (its documentation, "Access logging").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum FormatFault {
    /// `%REQ(a?b?c)%`
    #[error("a header has one alternative at most")]
    Alternatives,
    /// `%PROTOCOL(x)%`
    #[error("this operator takes no argument")]
    Argument,
    /// `%GRPC_STATUS(x)%`
    #[error("a status of gRPC is written as `CAMEL_STRING`, `SNAKE_STRING` or `NUMBER`")]
    GrpcStatus,
    /// `%FILTER_STATE%`
    #[error("this operator takes an argument in parentheses")]
    NoArgument,
    /// `%PATH(a)%`
    #[error("a path is `WQ` or `NQ`, and behind a colon `ORIG`, `PATH` or `ORIG_OR_PATH`")]
    Path,
    /// `%PROTOCOL:3%`
    #[error("this operator takes no length")]
    Length,
    /// `%REQ%`
    #[error("this operator takes the name of a header in parentheses")]
    NoHeader,
    /// `%START_TIME(%Q)%`
    #[error("this is no form of a time; write such as `%Y-%m-%d`")]
    Time,
    /// `%BOGUS%`
    #[error("Envoy has no such operator")]
    Unknown,
    /// `50% off`
    #[error("a `%` begins an operator, as in `%PROTOCOL%`; write `%%` for a per cent sign")]
    Unclosed,
}

/// What a line says of an entry.
#[derive(Debug)]
pub struct Format {
    body: Body,
    headers: Headers,
    unkept: Vec<String>,
}

#[derive(Debug)]
enum Body {
    /// The members, each behind its name as JSON has it.
    Json(Vec<(String, Vec<Piece>)>),
    Text(Vec<Piece>),
}

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Literal(String),
    /// With the bytes that are written of it at most.
    Operator(Operator, Option<usize>),
}

impl Default for Format {
    /// Envoy's default line.
    fn default() -> Self {
        Self::text(DEFAULT).expect("Envoy's own format")
    }
}

impl Format {
    /// A line of text; it ends with a line break whether or not the format says so.
    ///
    /// # Errors
    /// Envoy refuses the format.
    pub fn text(format: &str) -> Result<Self, InvalidFormat> {
        let mut parser = Parser::default();
        let mut pieces = parser.pieces(format)?;
        if !format.ends_with('\n') {
            pieces.push(Piece::Literal("\n".to_owned()));
        }
        Ok(parser.format(Body::Text(pieces)))
    }

    /// An object with these members, sorted by their names as Envoy does; of several with one name
    /// the last counts. A member of one operator keeps its type: numbers are numbers, and what is
    /// absent is null.
    ///
    /// # Errors
    /// Envoy refuses the format of a member.
    pub fn json(members: &[(String, String)]) -> Result<Self, InvalidFormat> {
        let mut parser = Parser::default();
        let by_name: BTreeMap<&str, &str> = members
            .iter()
            .map(|(name, format)| (name.as_str(), format.as_str()))
            .collect();
        let members = by_name
            .into_iter()
            .map(|(name, format)| {
                let name = format!("{}:", serde_json::Value::from(name));
                Ok((name, parser.pieces(format)?))
            })
            .collect::<Result<_, _>>()?;
        Ok(parser.format(Body::Json(members)))
    }

    /// Operators that are always written as absent.
    pub fn unkept(&self) -> &[String] {
        &self.unkept
    }

    /// Keeps what the format wants of a message's header fields. `value` gives the first value of a
    /// field by its name in lower case, pseudo-header fields such as `:path` among them.
    pub fn capture<'v>(
        &self,
        captured: &mut Captured,
        of: Message,
        value: impl Fn(&str) -> Option<Cow<'v, [u8]>>,
    ) {
        self.headers.capture(captured, of, value);
    }

    /// Appends the line of an entry.
    pub fn write(&self, entry: &Entry, line: &mut Vec<u8>) {
        match &self.body {
            Body::Text(pieces) => {
                for piece in pieces {
                    piece.write(entry, line);
                }
            }
            Body::Json(members) => {
                for (index, (name, pieces)) in members.iter().enumerate() {
                    line.push(if index == 0 { b'{' } else { b',' });
                    line.extend_from_slice(name.as_bytes());
                    write_json(pieces, entry, line);
                }
                if members.is_empty() {
                    line.push(b'{');
                }
                line.extend_from_slice(b"}\n");
            }
        }
    }
}

fn write_json(pieces: &[Piece], entry: &Entry, line: &mut Vec<u8>) {
    let mut text = Vec::new();
    if let [Piece::Operator(operator, most)] = pieces {
        match operator.value(entry) {
            Value::Absent => return line.extend_from_slice(b"null"),
            Value::Number(number) => return line.extend_from_slice(number.to_string().as_bytes()),
            Value::Text(value) => text.extend_from_slice(cut(&value, *most)),
        }
    } else {
        for piece in pieces {
            piece.write(entry, &mut text);
        }
    }
    let text = String::from_utf8_lossy(&text);
    line.extend_from_slice(serde_json::Value::from(text).to_string().as_bytes());
}

impl Piece {
    fn write(&self, entry: &Entry, line: &mut Vec<u8>) {
        match self {
            Self::Literal(text) => line.extend_from_slice(text.as_bytes()),
            Self::Operator(operator, most) => match operator.value(entry) {
                Value::Absent => line.extend_from_slice(ABSENT),
                Value::Number(number) => line.extend_from_slice(number.to_string().as_bytes()),
                Value::Text(value) => line.extend_from_slice(cut(&value, *most)),
            },
        }
    }
}

fn cut(value: &[u8], most: Option<usize>) -> &[u8] {
    &value[..most.unwrap_or(value.len()).min(value.len())]
}

/// Reads formats that share their captured header fields.
#[derive(Default)]
struct Parser {
    headers: Headers,
    unkept: Vec<String>,
}

impl Parser {
    fn format(self, body: Body) -> Format {
        Format {
            body,
            headers: self.headers,
            unkept: self.unkept,
        }
    }

    fn pieces(&mut self, format: &str) -> Result<Vec<Piece>, InvalidFormat> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = format;
        while let Some(at) = rest.find('%') {
            literal.push_str(&rest[..at]);
            rest = &rest[at..];
            if let Some(after) = rest.strip_prefix("%%") {
                literal.push('%');
                rest = after;
                continue;
            }
            let command = Command::read(rest).ok_or_else(|| InvalidFormat {
                text: rest.chars().take(40).collect(),
                fault: FormatFault::Unclosed,
            })?;
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            let operator = self.operator(&command).map_err(|fault| InvalidFormat {
                text: command.whole.to_owned(),
                fault,
            })?;
            pieces.push(Piece::Operator(operator, command.most));
            rest = &rest[command.whole.len()..];
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(pieces)
    }

    fn operator(&mut self, command: &Command<'_>) -> Result<Operator, FormatFault> {
        let argument = command.argument;
        let takes_length = matches!(
            command.name,
            "PATH" | "REQ" | "REQ_WITHOUT_QUERY" | "RESP" | "TRAILER"
        );
        let operator = match command.name {
            "REQ" => self.headers.slot(Message::Request, argument, false)?,
            "REQ_WITHOUT_QUERY" => self.headers.slot(Message::Request, argument, true)?,
            "RESP" => self.headers.slot(Message::Response, argument, false)?,
            "TRAILER" => self.headers.slot(Message::Trailers, argument, false)?,
            "START_TIME" => Operator::start_time(argument).ok_or(FormatFault::Time)?,
            "GRPC_STATUS" | "GRPC_STATUS_NUMBER" => Operator::Grpc {
                slot: self.headers.grpc_status(),
                form: match (command.name, argument) {
                    ("GRPC_STATUS_NUMBER", None) | (_, Some("NUMBER")) => GrpcStatus::Number,
                    (_, None | Some("CAMEL_STRING")) => GrpcStatus::Camel,
                    (_, Some("SNAKE_STRING")) => GrpcStatus::Snake,
                    (_, Some(_)) => return Err(FormatFault::GrpcStatus),
                },
            },
            // Envoy numbers a request's stream by what it was given in this field.
            "STREAM_ID" if argument.is_none() => {
                self.headers
                    .slot(Message::Request, Some("x-request-id"), false)?
            }
            "PATH" => self.headers.path(argument)?,
            name if unkept::check(name, argument, command.most)? => {
                self.unkept.push(command.whole.to_owned());
                return Ok(Operator::Absent);
            }
            name => {
                let field = Field::named(name).ok_or(FormatFault::Unknown)?;
                if argument.is_some() {
                    return Err(FormatFault::Argument);
                }
                Operator::Field(field)
            }
        };
        if command.most.is_some() && !takes_length {
            return Err(FormatFault::Length);
        }
        Ok(operator)
    }
}

#[cfg(test)]
mod tests;
