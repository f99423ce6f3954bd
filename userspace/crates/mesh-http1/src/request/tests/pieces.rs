//! Heads that come in pieces.

use proptest::{collection::vec, prelude::*};

use super::*;

/// Heads, most of them right.
fn heads() -> impl Strategy<Value = Vec<u8>> {
    let field = "[A-Za-z-]{1,8}:[ \t]{0,2}[a-z ,]{0,8}[ \t]{0,2}\r?\n([ \t][a-z]{0,3}\r\n)?";
    let change = prop_oneof![
        2 => Just(None),
        1 => (any::<prop::sample::Index>(), any::<u8>()).prop_map(Some),
    ];
    (
        "(\r\n){0,2}",
        "(GET|POST) /[a-z]{0,5}",
        vec(field, 0..6),
        change,
    )
        .prop_map(|(before, line, fields, change)| {
            let fields = fields.concat();
            let mut text = format!("{before}{line} HTTP/1.1\r\n{fields}\r\nbehind").into_bytes();
            if let Some((place, byte)) = change {
                let place = place.index(text.len());
                text[place] = byte;
            }
            text
        })
}

/// What comes of a text in these pieces, and what is left of it if it is served.
fn outcome<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (String, usize) {
    let mut decoder = RequestDecoder::default();
    let mut buffer = BytesMut::new();
    let mut outcome = None;
    let mut behind = 0;
    for piece in pieces {
        if outcome.is_some() {
            behind += piece.len();
            continue;
        }
        buffer.extend_from_slice(piece);
        outcome = match decoder.decode(&mut buffer) {
            Ok(None) => None,
            Ok(Some(head)) => Some(format!("{head:?}")),
            Err(error) => Some(format!("{error:?} Err")),
        };
    }
    let outcome = outcome.unwrap_or_default();
    let is_refused = outcome.ends_with("Err");
    (outcome, if is_refused { 0 } else { buffer.len() + behind })
}

proptest! {
    #[test]
    fn it_does_not_matter_how_the_bytes_come(text in heads()) {
        let whole = outcome([&text[..]]);
        prop_assert_eq!(&whole.0, &outcome(text.chunks(1)).0);
        for split in 0..text.len() {
            prop_assert_eq!(&whole, &outcome([&text[..split], &text[split..]]), "{}", split);
        }
    }
}
