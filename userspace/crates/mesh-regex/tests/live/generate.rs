//! Patterns from a grammar of RE2's syntax and of what looks like it, random changes of them, and
//! values that have a chance to match.

mod words;

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

use self::words::{
    ATOMS, CHARACTERS, CLASS_ITEMS, FOREIGN, FOREIGN_CLASS_ITEMS, FOREIGN_REPETITIONS, OPENINGS,
    REPETITIONS, VALUES,
};

/// A pattern, and values to hold against it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) pattern: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// A part of a pattern, and what it may match: it does, but for flags, places and negation.
type Part = (String, String);

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let mutated = (part(), vec(mutation(), 0..3), 0..4).prop_map(|(part, mutations, whole)| {
        let (mut pattern, sample) = part;
        // Three in four are as the grammar has them.
        if whole == 0 {
            for mutation in &mutations {
                mutation.apply(&mut pattern);
            }
        }
        (pattern, sample)
    });
    let value = vec(
        prop_oneof![
            3 => select(CHARACTERS).prop_map(|text| text.as_bytes().to_vec()),
            1 => select(VALUES).prop_map(<[u8]>::to_vec),
        ],
        0..4,
    );
    (mutated, vec((value, any::<Index>(), any::<Index>()), 1..10)).prop_map(
        |((pattern, sample), changes)| {
            let sample = sample.into_bytes();
            let mut values = vec![sample.clone(), Vec::new()];
            for (parts, from, to) in changes {
                // Near to what matches is where mistakes are.
                let places = sample.len() + 1;
                let (from, to) = (from.index(places), to.index(places));
                let mut value = sample.clone();
                value.splice(from.min(to)..from.max(to), parts.concat());
                values.extend([parts.concat(), value]);
            }
            Case { pattern, values }
        },
    )
}

fn pair(choices: &'static [(&str, &str)]) -> impl Strategy<Value = Part> {
    select(choices).prop_map(|(text, sample)| (text.to_owned(), sample.to_owned()))
}

fn single(choices: &'static [&str]) -> impl Strategy<Value = Part> {
    select(choices).prop_map(|text| (text.to_owned(), text.to_owned()))
}

fn part() -> impl Strategy<Value = Part> {
    let leaf = prop_oneof![
        60 => single(CHARACTERS),
        30 => pair(ATOMS),
        25 => class(),
        1 => single(FOREIGN),
    ];
    leaf.prop_recursive(5, 24, 4, |inner| {
        let repetition = prop_oneof![
            40 => select(REPETITIONS),
            1 => select(FOREIGN_REPETITIONS).prop_map(|text| (text, 1)),
        ];
        prop_oneof![
            4 => vec(inner.clone(), 1..5).prop_map(|parts| parts.into_iter().unzip()),
            2 => (vec(inner.clone(), 2..4), any::<Index>()).prop_map(|(parts, chosen)| {
                let (texts, samples): (Vec<_>, Vec<_>) = parts.into_iter().unzip();
                (texts.join("|"), chosen.get(&samples).clone())
            }),
            3 => (inner.clone(), repetition)
                .prop_map(|((text, sample), (times, n))| (text + times, sample.repeat(n))),
            3 => (select(OPENINGS), inner)
                .prop_map(|(open, (text, sample))| (format!("{open}{text})"), sample)),
        ]
    })
}

fn class() -> impl Strategy<Value = Part> {
    let item = prop_oneof![60 => pair(CLASS_ITEMS), 1 => single(FOREIGN_CLASS_ITEMS)];
    let open = prop_oneof![10 => Just("["), 8 => Just("[^"), 1 => Just("[]"), 1 => Just("[^]")];
    (open, vec(item, 1..4), select(CHARACTERS)).prop_map(|(open, items, other)| {
        let (texts, samples): (Vec<_>, Vec<_>) = items.into_iter().unzip();
        let sample = if open.contains('^') {
            other
        } else {
            &samples[0]
        };
        (format!("{open}{}]", texts.concat()), sample.to_owned())
    })
}

/// A change of one place in a pattern.
#[derive(Clone, Debug)]
enum Mutation {
    Delete(Index),
    Insert(Index, char),
    Repeat(Index, Index),
}

impl Mutation {
    fn apply(&self, pattern: &mut String) {
        let mut characters: Vec<_> = pattern.chars().collect();
        let places = characters.len() + 1;
        match self {
            Self::Delete(_) if characters.is_empty() => {}
            Self::Delete(at) => {
                characters.remove(at.index(characters.len()));
            }
            Self::Insert(at, character) => characters.insert(at.index(places), *character),
            Self::Repeat(from, to) => {
                let (from, to) = (from.index(places), to.index(places));
                let part: Vec<_> = characters[from.min(to)..from.max(to)].into();
                characters.splice(to..to, part);
            }
        }
        *pattern = characters.into_iter().collect();
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let special: Vec<_> = r"()[]{}*+?|^$\.-:,<>=!PQEipxbdDwWzCaKk0129é&"
        .chars()
        .collect();
    prop_oneof![
        any::<Index>().prop_map(Mutation::Delete),
        (any::<Index>(), select(special))
            .prop_map(|(at, character)| Mutation::Insert(at, character)),
        (any::<Index>(), any::<Index>()).prop_map(|(from, to)| Mutation::Repeat(from, to)),
    ]
}
