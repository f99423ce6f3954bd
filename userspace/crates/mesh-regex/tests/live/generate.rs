//! Patterns from a grammar of RE2's syntax and of what looks like it, random changes of them, and
//! values that have a chance to match.

use proptest::{
    collection::vec,
    prelude::*,
    sample::{Index, select},
};

/// A pattern, and values to hold against it.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) pattern: String,
    pub(crate) values: Vec<Vec<u8>>,
}

/// Single characters, which values are made of too.
const CHARACTERS: &[&str] = &[
    "a", "b", "A", "z", "k", "S", "_", "0", "9", "/", " ", "-", "{", "}", "]", ",", ":", "&", "~",
    "é", "É", "ß", "λ", "Σ", "Д", "中", "😀", "\u{FFFD}", "\n", "\t", "\u{B}", "\0",
];

/// What stands for a piece of a value, and such a piece.
const ATOMS: &[(&str, &str)] = &[
    (".", "c"),
    ("^", ""),
    ("$", ""),
    (r"\A", ""),
    (r"\z", ""),
    (r"\b", ""),
    (r"\B", ""),
    (r"\C", "c"),
    (r"\d", "5"),
    (r"\D", "c"),
    (r"\s", " "),
    (r"\S", "é"),
    (r"\w", "Z"),
    (r"\W", "é"),
    (r"\pL", "é"),
    (r"\PL", "5"),
    (r"\pN", "5"),
    (r"\p{Greek}", "λ"),
    (r"\P{Greek}", "c"),
    (r"\p{^Greek}", "é"),
    (r"\P{^Lu}", "É"),
    (r"\p{Lu}", "Z"),
    (r"\p{Any}", "中"),
    (r"\P{Any}", ""),
    (r"\p{Han}", "中"),
    (r"\pZ", " "),
    (r"\PC", "c"),
    (r"\p{Cs}", ""),
    (r"\n", "\n"),
    (r"\t", "\t"),
    (r"\v", "\u{B}"),
    (r"\f", "\u{C}"),
    (r"\r", "\r"),
    (r"\a", "\u{7}"),
    (r"\.", "."),
    (r"\*", "*"),
    (r"\/", "/"),
    (r"\-", "-"),
    (r"\_", "_"),
    (r"\<", "<"),
    (r"\ ", " "),
    (r"\101", "A"),
    (r"\0", "\0"),
    (r"\08", "\u{0}8"),
    (r"\60", "0"),
    (r"\303", "Ã"),
    (r"\x41", "A"),
    (r"\x{e9}", "é"),
    (r"\x{3BB}", "λ"),
    (r"\x{1F600}", "😀"),
    (r"\x{D800}", ""),
    (r"\xe9", "é"),
    (r"\Qa.b\E", "a.b"),
    (r"\Q*", "*"),
    (r"\Q\E", ""),
    ("()", ""),
    ("(|)", ""),
    ("(?:)", ""),
    ("(?i)", ""),
    ("(?s)", ""),
    ("(?m)", ""),
    ("(?U)", ""),
    ("(?-s)", ""),
    ("(?i-m)", ""),
    ("(?)", ""),
    ("{", "{"),
    ("{,2}", "{,2}"),
    ("{a}", "{a}"),
    ("{2", "{2"),
    ("{01}", "{01}"),
    ("{1,2", "{1,2"),
];

/// What RE2 refuses in most places.
const FOREIGN: &[&str] = &[
    r"\1",
    r"\8",
    r"\Z",
    r"\G",
    r"\e",
    r"\cK",
    r"\h",
    r"\R",
    r"\X",
    r"\K",
    r"\N",
    r"\u0041",
    r"\E",
    r"\y",
    r"\k<n>",
    r"\g1",
    r"\é",
    r"\x",
    r"\x4",
    r"\x{}",
    r"\x{110000}",
    r"\x{4",
    r"\xg1",
    r"\p",
    r"\pé",
    r"\p{}",
    r"\p{greek}",
    r"\p{Letter}",
    r"\p{LC}",
    r"\p{Cn}",
    r"\p{L",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?<!a)",
    "(?>a)",
    "(?#a)",
    "(?P=n)",
    "(?P>n)",
    "(?P<n-1>a)",
    "(?P<>a)",
    "(?<n",
    "(?'n'a)",
    "(?x)",
    "(?i-)",
    "(?-)",
    "(?--i)",
    "(?R)",
    "(?|a)",
    "(?",
    "(",
    ")",
    "[",
    "[]",
    "[^]",
    "*",
    "+",
    "?",
    "{2}",
    "\\",
];

/// What a class is made of, and a character of it.
const CLASS_ITEMS: &[(&str, &str)] = &[
    ("a", "a"),
    ("b", "b"),
    ("z", "z"),
    ("k", "k"),
    ("0", "0"),
    ("_", "_"),
    ("-", "-"),
    ("^", "^"),
    ("[", "["),
    ("&&", "&"),
    ("--", "-"),
    ("~~", "~"),
    (":", ":"),
    ("a-z", "m"),
    ("A-Z", "Q"),
    ("0-9", "5"),
    ("!--", "*"),
    ("--/", "."),
    ("+-.", ","),
    (" -~", "{"),
    ("é", "é"),
    ("à-ÿ", "é"),
    ("λ", "λ"),
    ("α-ω", "σ"),
    ("中", "中"),
    (r"\d", "5"),
    (r"\D", "c"),
    (r"\s", " "),
    (r"\S", "é"),
    (r"\w", "Z"),
    (r"\W", "/"),
    (r"\pL", "é"),
    (r"\PL", "5"),
    (r"\p{Greek}", "λ"),
    (r"\P{Greek}", "c"),
    (r"\p{^Han}", "é"),
    (r"\n", "\n"),
    (r"\]", "]"),
    (r"\-", "-"),
    (r"\\", "\\"),
    (r"\.", "."),
    (r"\101", "A"),
    (r"\x41-\x5A", "B"),
    (r"\x{80}-\x{10FFFF}", "中"),
    (r"\x{7F}-\x{10FFFF}", "😀"),
    (r"\x{100}-\x{10FFFF}", "λ"),
    (r"\0-\x{10FFFF}", "\n"),
    (r"\x{D000}-\x{E000}", "\u{D001}"),
    (r"\x{D8FF}-\x{DA01}", ""),
    ("[:alpha:]", "b"),
    ("[:^alpha:]", "5"),
    ("[:word:]", "_"),
    ("[:space:]", "\u{B}"),
    ("[:punct:]", "!"),
    ("[:lower:]", "k"),
    ("[:^upper:]", "k"),
    ("[:cntrl:]", "\u{7F}"),
    ("[:ascii:]", "~"),
];

const FOREIGN_CLASS_ITEMS: &[&str] = &[
    "z-a", r"\b", r"\Q", r"\8", r"a-\d", "[:foo:]", "[:alpha", "[.a.]", "[=a=]", r"\p{foo}", r"\C",
    "]",
];

/// Repetitions, and how often to repeat.
const REPETITIONS: &[(&str, usize)] = &[
    ("*", 3),
    ("+", 2),
    ("?", 1),
    ("*?", 0),
    ("+?", 1),
    ("??", 0),
    ("{0}", 0),
    ("{1}", 1),
    ("{2}", 2),
    ("{3}", 3),
    ("{0,1}", 1),
    ("{1,3}", 3),
    ("{2,}", 3),
    ("{0,}", 2),
    ("{2}?", 2),
    ("{1,}?", 2),
    ("{20}", 20),
];

const FOREIGN_REPETITIONS: &[&str] = &[
    "**",
    "++",
    "*+",
    "?+",
    "{2}{2}",
    "{2}*",
    "*{2}",
    "{2,1}",
    "{1001}",
    "{1000}",
    "{0,1001}",
    "{999999999}",
    "{1000000000}",
    "???",
    "{2}??",
    "*(?i)*",
    r"*\Q\E*",
];

const OPENINGS: &[&str] = &[
    "(",
    "(?:",
    "(?i:",
    "(?s:",
    "(?m:",
    "(?U:",
    "(?i-s:",
    "(?ms-i:",
    "(?P<n>",
    "(?<n1>",
    "(?P<é_9>",
];

/// What values are made of beside the characters of patterns.
const VALUES: &[&[u8]] = &[
    b"c",
    b"B",
    b"Z",
    b"K",
    b"s",
    b"1",
    b"5",
    b".",
    b"*",
    b"+",
    b"\r",
    b"\x0C",
    b"\x7F",
    b"\x80",
    b"\xFF",
    b"\xC3",
    b"\xA9",
    b"\xC0\x80",
    b"\xE0\x80\x80",
    b"\xED\xA0\x80",
    b"\xED\xA8\x81",
    b"\xED\xBF\xBF",
    b"\xF0\x80\x80\x80",
    b"\xF4\x90\x80\x80",
    b"\xF5\x80\x80\x80",
    b"\xC2\x80",
    b"\xF4\x8F\xBF\xBF",
    "à".as_bytes(),
    "σς".as_bytes(),
    "д".as_bytes(),
    "\u{212A}".as_bytes(),
    "\u{17F}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{A0}".as_bytes(),
    b"a.b",
    b"{2}",
];

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
