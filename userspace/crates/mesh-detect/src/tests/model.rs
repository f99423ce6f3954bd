//! The same verdicts by writing out every opening that there is, byte by byte.

use std::sync::LazyLock;

use super::Detection;

/// Bytes that may stand at a place.
#[derive(Clone, Copy)]
enum Place {
    Any,
    AtMost(u8),
    Is(u8),
    Token,
}

impl Place {
    fn takes(self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::AtMost(most) => byte <= most,
            Self::Is(wanted) => byte == wanted,
            Self::Token => byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte),
        }
    }
}

/// Every opening, HTTP/2's first.
static OPENINGS: LazyLock<Vec<(Detection, Vec<Place>)>> = LazyLock::new(|| {
    let literal = |text: &[u8]| text.iter().copied().map(Place::Is).collect::<Vec<_>>();
    let mut all = vec![
        (
            Detection::Http2,
            literal(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
        ),
        (
            Detection::Tls,
            vec![
                Place::Is(0x16),
                Place::Is(3),
                Place::AtMost(4),
                Place::Any,
                Place::Any,
                Place::Is(1),
            ],
        ),
    ];
    for empty_line in [&b""[..], b"\r\n"] {
        for length in 1..=32 {
            let mut line = literal(empty_line);
            line.extend(vec![Place::Token; length]);
            line.push(Place::Is(b' '));
            all.push((Detection::Http1, line));
        }
    }
    all
});

/// The opening that the bytes have, unless they may yet be HTTP/2's; else whether they may get one.
pub(super) fn detect(first: &[u8]) -> Detection {
    let fits = |opening: &[Place]| {
        let mut pairs = opening.iter().zip(first);
        pairs.all(|(place, byte)| place.takes(*byte))
    };
    let (whole, begun): (Vec<_>, Vec<_>) = OPENINGS
        .iter()
        .filter(|(_, opening)| fits(opening))
        .partition(|(_, opening)| first.len() >= opening.len());
    let may_be_http2 = begun.iter().any(|(what, _)| *what == Detection::Http2);
    match whole.first() {
        Some((what, _)) if !may_be_http2 => *what,
        None if begun.is_empty() => Detection::Opaque,
        _ => Detection::NeedMore,
    }
}
