//! The path of a request as routes see it and as it is forwarded: Envoy's `normalize_path` and
//! `merge_slashes`, which App Mesh had on. Escaped slashes stay escaped.

use std::borrow::Cow;

/// A path that no route may see: it holds an escaped NUL. Envoy answers 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path holds an escaped NUL")]
pub struct InvalidPath;

/// Normalises a path, which is without its query. Most paths are normal and cost one look.
///
/// Dot segments are removed (RFC 3986, section 5.2.4), also where a dot is written `%2e` or is
/// followed by a path parameter, as in `..;x`; escaped letters, digits, `-`, `.`, `_` and `~` are
/// unescaped (section 6.2.2.2) and other escapes kept as they are; what may not stand in a path is
/// escaped; `\` becomes `/`; and of several slashes in a row one stays. What does not begin with a
/// slash (`*`) is left alone.
///
/// # Errors
/// The path holds `%00`.
pub fn normalise(path: &str) -> Result<Cow<'_, str>, InvalidPath> {
    if !path.starts_with('/') || is_normal(path.as_bytes()) {
        return Ok(Cow::Borrowed(path));
    }
    let canonical = canonical(&without_dot_parameters(path))?;
    let merged = merge_slashes(canonical);
    Ok(if merged == path {
        Cow::Borrowed(path)
    } else {
        Cow::Owned(merged)
    })
}

/// Whether there is certainly nothing to do.
fn is_normal(path: &[u8]) -> bool {
    let mut after_slash = false;
    for byte in path {
        let is_normal = match byte {
            b'/' | b'.' => !after_slash,
            b'%' | b'\\' => false,
            other => !must_be_escaped(*other),
        };
        if !is_normal {
            return false;
        }
        after_slash = *byte == b'/';
    }
    true
}

/// Cuts `.;x` and `..;x` down to their dots, so that a server which ignores path parameters and
/// the routes see the same path.
fn without_dot_parameters(path: &str) -> Cow<'_, str> {
    let dots = |segment: &str| match segment.split_once(';') {
        Some((".", _)) => Some("."),
        Some(("..", _)) => Some(".."),
        _ => None,
    };
    if !path.split('/').any(|segment| dots(segment).is_some()) {
        return Cow::Borrowed(path);
    }
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| dots(segment).unwrap_or(segment))
        .collect();
    Cow::Owned(segments.join("/"))
}

/// The path as browsers and Envoy's `CanonicalizePath` write it.
fn canonical(path: &str) -> Result<String, InvalidPath> {
    let mut out = String::with_capacity(path.len() + 8);
    let mut rest = path.as_bytes();
    while let [first, tail @ ..] = rest {
        if let Some(after) = after_dot(rest) {
            rest = if let Some((is_up, after)) = directory(after).filter(|_| out.ends_with('/')) {
                if is_up {
                    up(&mut out);
                }
                after
            } else {
                out.push('.');
                after
            };
            continue;
        }
        rest = tail;
        match (*first, tail.split_at_checked(2)) {
            (b'\\', _) => out.push('/'),
            (b'%', Some((digits, after))) if let Some(byte) = unescape(digits) => {
                match byte {
                    0 => return Err(InvalidPath),
                    _ if is_unreserved(byte) => out.push(char::from(byte)),
                    _ => {
                        out.push('%');
                        out.extend(digits.iter().copied().map(char::from));
                    }
                }
                rest = after;
            }
            (byte, _) if must_be_escaped(byte) => escape(byte, &mut out),
            (byte, _) => out.push(char::from(byte)),
        }
    }
    Ok(out)
}

/// What follows a dot, plain or escaped; none if there is no dot.
fn after_dot(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'.', after @ ..] | [b'%', b'2', b'e' | b'E', after @ ..] => Some(after),
        _ => None,
    }
}

/// Whether the text behind a dot makes it a segment that means a directory: the one above or not,
/// and what follows it.
fn directory(after_first: &[u8]) -> Option<(bool, &[u8])> {
    let end = |text: &'_ [u8]| match text.first() {
        None => Some(0),
        Some(b'/' | b'\\') => Some(1),
        Some(_) => None,
    };
    if let Some(taken) = end(after_first) {
        return Some((false, &after_first[taken..]));
    }
    let after_second = after_dot(after_first)?;
    end(after_second).map(|taken| (true, &after_second[taken..]))
}

/// Removes the last segment; `out` ends with a slash before and after.
fn up(out: &mut String) {
    out.pop();
    let parent = out.rfind('/').map_or(0, |slash| slash + 1);
    out.truncate(parent);
    if out.is_empty() {
        out.push('/');
    }
}

/// One slash for several. A path of nothing but slashes keeps two, as in Envoy.
fn merge_slashes(path: String) -> String {
    if !path.contains("//") {
        return path;
    }
    let mut merged = String::with_capacity(path.len());
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        merged.push('/');
        merged.push_str(segment);
    }
    if merged.is_empty() {
        merged.push('/');
    }
    if path.ends_with('/') {
        merged.push('/');
    }
    merged
}

fn unescape(digits: &[u8]) -> Option<u8> {
    let digits = std::str::from_utf8(digits).ok()?;
    let are_hexadecimal = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_hexadecimal
        .then(|| u8::from_str_radix(digits, 16).ok())
        .flatten()
}

fn escape(byte: u8, out: &mut String) {
    const DIGITS: [char; 16] = [
        '0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F',
    ];
    out.push('%');
    out.push(DIGITS[usize::from(byte >> 4)]);
    out.push(DIGITS[usize::from(byte & 0xf)]);
}

/// RFC 3986, section 2.3.
fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}

/// What may not stand in a path as it is, to Envoy.
fn must_be_escaped(byte: u8) -> bool {
    !byte.is_ascii_graphic()
        || matches!(byte, b'"' | b'<' | b'>' | b'^' | b'`' | b'{' | b'|' | b'}')
}

#[cfg(test)]
mod tests;
