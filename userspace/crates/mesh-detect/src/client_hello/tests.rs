mod model;

use proptest::{collection::vec, prelude::*, sample::Index};

use super::*;

/// A `server_name` extension with one name.
fn server_name_extension(name: &[u8]) -> (u16, Vec<u8>) {
    let entry = [&[0][..], &sized(2, name)].concat();
    (0, sized(2, &entry))
}

/// Bytes behind their length, which has so many bytes.
fn sized(length_bytes: usize, bytes: &[u8]) -> Vec<u8> {
    let length = bytes.len().to_be_bytes();
    [&length[length.len() - length_bytes..], bytes].concat()
}

/// A hello with these extensions, not yet in records.
fn message(extensions: &[(u16, Vec<u8>)]) -> Vec<u8> {
    let extensions: Vec<u8> = extensions
        .iter()
        .flat_map(|(kind, content)| [&kind.to_be_bytes()[..], &sized(2, content)].concat())
        .collect();
    let body = [
        &[3, 3][..],
        &[7; 32],
        &sized(1, &[9; 32]),
        &sized(2, &[0x13, 1, 0x13, 2]),
        &sized(1, &[0]),
        &sized(2, &extensions),
    ]
    .concat();
    [&[1][..], &sized(3, &body)].concat()
}

/// Puts a message in records that hold so many bytes each at most.
fn records(message: &[u8], size: usize) -> Vec<u8> {
    let record = |part: &[u8]| [&[22, 3, 1][..], &sized(2, part)].concat();
    message.chunks(size).flat_map(record).collect()
}

fn named(name: &[u8]) -> Vec<u8> {
    message(&[(23, Vec::new()), server_name_extension(name)])
}

#[test]
fn the_name_is_found_however_the_hello_is_cut() {
    let message = named(b"SQS.eu-west-1.amazonaws.com");
    let expected = ClientHello::Whole(Some(b"SQS.eu-west-1.amazonaws.com".to_vec()));
    for size in 1..=message.len() {
        let whole = records(&message, size);
        for end in 0..whole.len() {
            assert_eq!(
                client_hello(&whole[..end]),
                ClientHello::NeedMore,
                "{size} {end}"
            );
        }
        assert_eq!(client_hello(&whole), expected, "{size}");
        assert_eq!(client_hello(&[&whole[..], b"\x17more"].concat()), expected);
    }
}

#[test]
fn a_hello_without_a_name_is_one() {
    let unnamed = records(&message(&[(23, Vec::new())]), 4096);
    assert_eq!(client_hello(&unnamed), ClientHello::Whole(None));
    // Extensions may be missing altogether, the field of their length included.
    let mut bare = message(&[]);
    bare.truncate(bare.len() - 2);
    let length = u8::try_from(bare.len() - 4).unwrap();
    bare[3] = length;
    assert_eq!(
        client_hello(&records(&bare, 4096)),
        ClientHello::Whole(None)
    );
}

#[test]
fn what_is_no_sound_hello_is_absent() {
    let name = server_name_extension(b"a.example");
    let extension = |content: &[u8]| message(&[(0, content.to_vec())]);
    let mut other_message = named(b"a.example");
    other_message[0] = 2;
    let mut too_long = named(b"a.example");
    too_long[1] = 1;
    let mut not_through = named(b"a.example");
    not_through[3] += 1;
    not_through.push(0);
    let unsound = [
        (
            "two names of servers",
            message(&[name.clone(), name.clone()]),
        ),
        (
            "an extension twice",
            message(&[(5, Vec::new()), name, (5, Vec::new())]),
        ),
        ("a name without a byte", named(b"")),
        ("a name with NUL", named(b"a\0b")),
        ("a name of 256 bytes", named(&[b'a'; 256])),
        (
            "a name of another kind",
            extension(&sized(2, &[1, 0, 1, b'a'])),
        ),
        (
            "a list of two names",
            extension(&sized(2, b"\0\0\x01a\0\0\x01b")),
        ),
        ("bytes behind the list", extension(b"\0\x04\0\0\x01ab")),
        ("an empty list", extension(&[])),
        ("another message", other_message),
        ("a message that is too long", too_long),
        ("bytes behind the extensions", not_through),
    ];
    for (what, message) in unsound {
        assert_eq!(
            client_hello(&records(&message, 4096)),
            ClientHello::Absent,
            "{what}"
        );
    }
    for first in [
        &b"GET / HTTP/1.1\r\n"[..],
        b"\x15",
        b"\x16\x02",
        b"\x16\x03\x01\x40\x01",
        b"\x80",
    ] {
        assert_eq!(
            client_hello(first),
            ClientHello::Absent,
            "{}",
            first.escape_ascii()
        );
    }
}

#[test]
fn a_hello_before_tls_is_too_old() {
    let mut old = named(b"a.example");
    old[5] = 0;
    assert_eq!(client_hello(&records(&old, 4096)), ClientHello::TooOld);
    old[5] = 1;
    let name = Some(b"a.example".to_vec());
    assert_eq!(client_hello(&records(&old, 4096)), ClientHello::Whole(name));
}

#[test]
fn a_name_may_have_255_bytes() {
    let name = vec![b'a'; 255];
    let hello = records(&named(&name), 100);
    assert_eq!(client_hello(&hello), ClientHello::Whole(Some(name)));
}

/// Hellos and what comes near to them: cut into records, some bytes changed, and cut off.
fn opening() -> impl Strategy<Value = Vec<u8>> {
    let name = prop_oneof![
        "[a-z.]{1,20}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..4),
        Just(vec![b'a'; 256]),
    ];
    let own = name.prop_map(|name| server_name_extension(&name));
    let other = (0_u16..4, vec(any::<u8>(), 0..9));
    let extensions = vec(prop_oneof![own, other], 0..4);
    let change = (any::<Index>(), prop_oneof![any::<u8>(), 0_u8..5]);
    let hello = (extensions, 1_usize..120)
        .prop_map(|(extensions, size)| records(&message(&extensions), size));
    let stem = prop_oneof![4 => hello, 1 => vec(any::<u8>(), 0..64)];
    (stem, vec(change, 0..3), any::<Option<Index>>()).prop_map(|(mut bytes, changes, end)| {
        for (place, value) in changes {
            if !bytes.is_empty() {
                let place = place.index(bytes.len());
                bytes[place] = value;
            }
        }
        if let Some(end) = end {
            bytes.truncate(end.index(bytes.len() + 1));
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_verdict_is_that_of_a_reader_of_single_bytes(first in opening()) {
        prop_assert_eq!(client_hello(&first), model::client_hello(&first), "{}", first.escape_ascii());
    }

    #[test]
    fn more_bytes_never_change_a_verdict(first in opening(), more in vec(any::<u8>(), 0..64)) {
        let verdict = client_hello(&first);
        let longer: Vec<u8> = first.iter().chain(&more).copied().collect();
        if verdict != ClientHello::NeedMore {
            prop_assert_eq!(client_hello(&longer), verdict);
        }
    }
}
