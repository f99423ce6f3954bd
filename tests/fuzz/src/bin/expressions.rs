//! Regular expressions of RE2: what is taken compiles, and together they match what each matches.
#![no_main]

use mesh_regex::{Pattern, Set};

libfuzzer_sys::fuzz_target!(|input: (Vec<&str>, Vec<&[u8]>)| {
    let (texts, values) = input;
    let patterns: Vec<Pattern> = texts
        .into_iter()
        // As long as App Mesh's API lets them be.
        .filter(|text| text.len() <= 255)
        .take(8)
        .filter_map(|text| Pattern::new(text).ok())
        .collect();
    let set = Set::new(&patterns);
    for value in values.into_iter().take(8) {
        let alone: Vec<usize> = (0..patterns.len())
            .filter(|position| patterns[*position].is_match(value))
            .collect();
        assert_eq!(set.matches(value), alone, "{patterns:?} {value:?}");
    }
});
