//! The suite's own strict reader of HTTP/1 messages (RFC 9112): what a proxy sent is either a message or
//! a fault, and what it means is not guessed.

/// A message as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Message {
    /// The first line, escaped.
    pub(crate) line: String,
    /// The fields in order, names as they were spelt.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) framing: Framing,
    pub(crate) trailers: Vec<(String, String)>,
}

/// How the end of a message's body was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is none.
    #[default]
    None,
    Length(usize),
    Chunked,
    /// It ends with its connection.
    Close,
}

impl Message {
    /// The values of a field, in order.
    pub(crate) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let fields = self.fields.iter();
        fields
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The status of an answer; 0 of a request.
    pub(crate) fn status(&self) -> u16 {
        let words = self.line.split(' ').nth(1);
        words.and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    fn has_token(&self, name: &str, token: &str) -> bool {
        self.values(name)
            .flat_map(|value| value.split(','))
            .any(|member| member.trim().eq_ignore_ascii_case(token))
    }

    /// Whether the connection ends with this message.
    pub(crate) fn is_last(&self) -> bool {
        self.framing == Framing::Close || self.has_token("connection", "close")
    }
}

/// What of some bytes is a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// More bytes are needed; the part of the body that is there.
    Partial(Message),
    /// A message, and how many bytes it is.
    Whole(Message, usize),
    /// No message.
    Fault(String),
}

/// What a message is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Request,
    Answer,
    /// An answer to HEAD, whose length is of a body that is not there.
    AnswerToHead,
}

/// Reads the first message of some bytes; `ended` when no more will come.
pub(crate) fn read(bytes: &[u8], kind: Kind, ended: bool) -> Read {
    let Some(head) = find(bytes, b"\r\n\r\n") else {
        return Read::Partial(Message::default());
    };
    let mut message = match head_of(&bytes[..head], kind) {
        Ok(message) => message,
        Err(fault) => return Read::Fault(fault),
    };
    let begin = head + 4;
    match framing(&message, kind) {
        Ok(framing) => message.framing = framing,
        Err(fault) => return Read::Fault(fault),
    }
    let rest = &bytes[begin..];
    match message.framing {
        Framing::None => Read::Whole(message, begin),
        Framing::Length(length) if rest.len() >= length => {
            message.body = rest[..length].to_vec();
            Read::Whole(message, begin + length)
        }
        Framing::Close if ended => {
            message.body = rest.to_vec();
            Read::Whole(message, bytes.len())
        }
        Framing::Length(_) | Framing::Close => {
            message.body = rest.to_vec();
            Read::Partial(message)
        }
        Framing::Chunked => match chunks(rest, &mut message) {
            Ok(Some(used)) => Read::Whole(message, begin + used),
            Ok(None) => Read::Partial(message),
            Err(fault) => Read::Fault(fault),
        },
    }
}

fn head_of(head: &[u8], kind: Kind) -> Result<Message, String> {
    let mut lines = split(head);
    let line = lines.next().unwrap_or_default();
    let escaped = line.escape_ascii().to_string();
    let words: Vec<_> = line.splitn(3, |byte| *byte == b' ').collect();
    let is_version = |word: &[u8]| word == b"HTTP/1.1" || word == b"HTTP/1.0";
    let fits = match (kind, &words[..]) {
        (Kind::Request, [_, target, version]) => !target.is_empty() && is_version(version),
        (Kind::Answer | Kind::AnswerToHead, [version, status, ..]) => {
            is_version(version) && status.len() == 3 && status.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    if !fits {
        return Err(format!("no first line: {escaped}"));
    }
    Ok(Message {
        line: escaped,
        fields: lines.map(field).collect::<Result<_, _>>()?,
        ..Message::default()
    })
}

fn field(line: &[u8]) -> Result<(String, String), String> {
    let fault = || format!("no field: {}", line.escape_ascii());
    let colon = line
        .iter()
        .position(|byte| *byte == b':')
        .ok_or_else(fault)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    let is_text = |byte: &u8| *byte == b'\t' || (*byte >= b' ' && *byte != 0x7f);
    if name.is_empty() || !name.iter().all(is_token) || !value.iter().all(is_text) {
        return Err(fault());
    }
    let text = |bytes: &[u8]| bytes.escape_ascii().to_string();
    Ok((text(name), text(value.trim_ascii())))
}

fn framing(message: &Message, kind: Kind) -> Result<Framing, String> {
    let is_request = kind == Kind::Request;
    let status = message.status();
    if kind == Kind::AnswerToHead || matches!(status, 100..=199 | 204 | 304) && !is_request {
        return Ok(Framing::None);
    }
    let codings: Vec<_> = message.values("transfer-encoding").collect();
    let lengths: Vec<_> = message.values("content-length").collect();
    match (&codings[..], &lengths[..]) {
        ([], []) if is_request => Ok(Framing::None),
        ([], []) => Ok(Framing::Close),
        ([], [length]) => {
            let number = length.bytes().all(|byte| byte.is_ascii_digit());
            let length = number.then(|| length.parse().ok()).flatten();
            length
                .map(Framing::Length)
                .ok_or_else(|| "content-length is no number".to_owned())
        }
        ([coding], []) if coding.eq_ignore_ascii_case("chunked") => Ok(Framing::Chunked),
        _ => Err(format!("framed by {codings:?} and {lengths:?}")),
    }
}

/// How many bytes a chunked body with its trailers is; nothing while it is not all there.
fn chunks(bytes: &[u8], message: &mut Message) -> Result<Option<usize>, String> {
    let mut at = 0;
    loop {
        let Some(end) = find(&bytes[at..], b"\r\n") else {
            return Ok(None);
        };
        let line = &bytes[at..at + end];
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let fault = || format!("no size of a chunk: {}", line.escape_ascii());
        let is_size = !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit);
        let digits = std::str::from_utf8(digits).map_err(|_| fault())?;
        let size = usize::from_str_radix(digits, 16).map_err(|_| fault())?;
        if !is_size {
            return Err(fault());
        }
        at += end + 2;
        if size == 0 {
            break;
        }
        let data = &bytes[at..];
        message
            .body
            .extend_from_slice(&data[..size.min(data.len())]);
        if data.len() < size + 2 {
            return Ok(None);
        }
        if &data[size..size + 2] != b"\r\n" {
            return Err("a chunk is longer than its size".to_owned());
        }
        at += size + 2;
    }
    if bytes[at..].starts_with(b"\r\n") {
        return Ok(Some(at + 2));
    }
    let Some(end) = find(&bytes[at..], b"\r\n\r\n") else {
        return Ok(None);
    };
    let trailers = split(&bytes[at..at + end]).map(field);
    message.trailers = trailers.collect::<Result<_, _>>()?;
    Ok(Some(at + end + 4))
}

/// The lines of a head, which end in CR LF.
fn split(mut head: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut done = false;
    std::iter::from_fn(move || {
        if done {
            return None;
        }
        if let Some(end) = find(head, b"\r\n") {
            let line = &head[..end];
            head = &head[end + 2..];
            return Some(line);
        }
        done = true;
        Some(head)
    })
}

/// Where some bytes begin in others.
pub(crate) fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests;
