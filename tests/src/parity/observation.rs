//! What one side saw of a case, as fields with names: what is compared, and what is listed.

use std::collections::BTreeMap;

use super::{http1::Message, http2::Stream};

/// Fields by name.
pub(crate) type Observation = BTreeMap<String, String>;

/// Bodies above this are told by their length and a sum.
const LONGEST_BODY: usize = 400;

/// What the fields begin with that tell who has answered how many of a case's requests.
pub(crate) const SHARE: &str = "client.share";

/// Whether a case is about shares alone: which of its requests is which, nobody can tell.
pub(crate) fn is_shares(observation: &Observation) -> bool {
    observation.keys().any(|field| field.starts_with(SHARE))
}

/// Adds a message of HTTP/1.
pub(crate) fn add_message(into: &mut Observation, prefix: &str, message: &Message) {
    into.insert(format!("{prefix}.line"), message.line.clone());
    add_fields(into, &format!("{prefix}.header"), &message.fields);
    into.insert(format!("{prefix}.body"), body(&message.body));
    into.insert(
        format!("{prefix}.framing"),
        format!("{:?}", message.framing),
    );
    add_fields(into, &format!("{prefix}.trailer"), &message.trailers);
}

/// Adds a stream of HTTP/2. Interim answers come first, then the head, then trailers.
pub(crate) fn add_stream(into: &mut Observation, prefix: &str, stream: &Stream) {
    let is_interim = |fields: &&Vec<(String, String)>| {
        fields
            .iter()
            .any(|(name, value)| name == ":status" && value.starts_with('1'))
    };
    let interim = stream.heads.iter().take_while(is_interim).count();
    for (index, fields) in stream.heads.iter().enumerate() {
        let part = match index.checked_sub(interim) {
            None => format!("interim{}", index + 1),
            Some(0) => "header".to_owned(),
            Some(1) => "trailer".to_owned(),
            Some(more) => format!("trailer{more}"),
        };
        add_fields(into, &format!("{prefix}.{part}"), fields);
    }
    into.insert(format!("{prefix}.body"), body(&stream.body));
    let end = match (stream.reset, stream.ended) {
        (Some(code), _) => format!("reset {code}"),
        (None, true) => "whole".to_owned(),
        (None, false) => "unfinished".to_owned(),
    };
    into.insert(format!("{prefix}.end"), end);
}

/// Adds fields, those of one name together and in order.
fn add_fields(into: &mut Observation, prefix: &str, fields: &[(String, String)]) {
    for (name, value) in fields {
        let value = plain(name, value);
        let values = into.entry(format!("{prefix}.{name}")).or_default();
        if !values.is_empty() {
            values.push_str(" | ");
        }
        values.push('"');
        values.push_str(&value);
        values.push('"');
    }
}

/// A body as a report can show it.
pub(crate) fn body(bytes: &[u8]) -> String {
    if bytes.len() <= LONGEST_BODY {
        return format!("\"{}\"", bytes.escape_ascii());
    }
    // FNV-1a: what matters is that two different bodies differ.
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{} bytes, sum {sum:016x}", bytes.len())
}

/// A value with what differs by its nature replaced, if it has the form that it should.
fn plain(name: &str, value: &str) -> String {
    let name = name.to_ascii_lowercase();
    let named = |is_right: bool, word: &str| {
        if is_right {
            format!("<{word}>")
        } else {
            value.to_owned()
        }
    };
    match name.as_str() {
        "x-request-id" => match uuid_version(value) {
            Some(version) => format!("<a UUID of version {version}>"),
            None => value.to_owned(),
        },
        "date" => named(is_date(value), "a date"),
        "x-envoy-upstream-service-time" => named(is_number(value), "milliseconds"),
        _ if value.len() > LONGEST_BODY => body(value.as_bytes()),
        _ => value.to_owned(),
    }
}

/// Whether some text is a number of digits alone.
pub(crate) fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The version of a UUID: 4 where it is of chance (RFC 9562, section 5.4), or what Envoy makes of that
/// where it notes why the request is traced.
pub(crate) fn uuid_version(text: &str) -> Option<char> {
    let is_one = fits(text, "hhhhhhhh-hhhh-hhhh-vhhh-hhhhhhhhhhhh");
    let version = text.chars().nth(14).filter(|_| is_one);
    version.filter(|version| "49ab".contains(*version))
}

/// A date of HTTP (RFC 9110, section 5.6.7).
fn is_date(text: &str) -> bool {
    fits(text, "aaa, dd aaa dddd dd:dd:dd GMT")
}

/// A moment as access logs write it.
pub(crate) fn is_moment(text: &str) -> bool {
    fits(text, "dddd-dd-ddTdd:dd:dd.dddZ")
}

/// Whether each character of a text is of the kind that a form names: `d`igit, `h`exadecimal, a
/// letter, the `v`ariant of a UUID, or itself.
fn fits(text: &str, form: &str) -> bool {
    let of_kind = |(c, kind): (char, char)| match kind {
        'd' => c.is_ascii_digit(),
        'h' => c.is_ascii_digit() || ('a'..='f').contains(&c),
        'a' => c.is_ascii_alphabetic(),
        'v' => "89ab".contains(c),
        itself => c == itself,
    };
    text.len() == form.len() && text.chars().zip(form.chars()).all(of_kind)
}
