use super::*;

fn texts(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    fields
        .iter()
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits: Vec<char> = hexadecimal.chars().filter(|c| *c != ' ').collect();
    let pairs = digits.chunks(2).map(|pair| pair.iter().collect::<String>());
    pairs
        .map(|pair| u8::from_str_radix(&pair, 16).unwrap())
        .collect()
}

#[test]
fn what_is_encoded_is_decoded_again() {
    let long = "v".repeat(70_000);
    let fields = [(":path", "/a"), ("x-empty", ""), ("x-long", long.as_str())];
    let decoded = Decoder::default().decode(&encode(&fields)).unwrap();
    let expected = fields.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(texts(&decoded), expected);
}

/// RFC 7541, appendix C.4: requests on one connection, with Huffman coding.
#[test]
fn the_examples_of_the_standard_are_read_as_it_says() {
    let mut decoder = Decoder::default();
    let first = bytes("8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff");
    let second = bytes("8286 84be 5886 a8eb 1064 9cbf");
    let third = bytes("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    let read = texts(&decoder.decode(&first).unwrap());
    assert_eq!(
        read[3],
        (":authority".to_owned(), "www.example.com".to_owned())
    );
    let read = texts(&decoder.decode(&second).unwrap());
    assert_eq!(read[4], ("cache-control".to_owned(), "no-cache".to_owned()));
    let read = texts(&decoder.decode(&third).unwrap());
    assert_eq!(
        read[4],
        ("custom-key".to_owned(), "custom-value".to_owned())
    );
}

#[test]
fn an_index_that_nobody_filled_is_refused() {
    assert!(Decoder::default().decode(&[0xbe]).is_err());
}
