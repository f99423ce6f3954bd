//! Why a pattern is refused, where in it, and what to write instead.

use thiserror::Error;

use crate::parse::{MAXIMUM_DEPTH, MAXIMUM_REPEAT, MAXIMUM_SIZE};

/// A pattern that RE2 does not take. Its text is one sentence with the place, the rule and the
/// mend.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` at character {character}: {fault}; {}", fault.mend())]
pub struct InvalidPattern {
    /// The character of the pattern at which the fault begins, from 1.
    pub character: usize,
    /// The part of the pattern that is at fault, cut at 40 characters.
    pub text: String,
    /// The rule that it breaks.
    pub fault: Fault,
}

/// A rule of RE2's syntax that a pattern breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum Fault {
    /// A backslash ends the pattern.
    #[error("a backslash at the end escapes nothing")]
    TrailingBackslash,
    /// `\1`, `\k<name>`, `(?P=name)` and the like.
    #[error("RE2 has no back-references and no calls of groups")]
    BackReference,
    /// `\x` that no number follows, or one beyond Unicode.
    #[error("`\\x` takes two hexadecimal digits, or up to 10FFFF in braces")]
    Hexadecimal,
    /// `\Z`.
    #[error("RE2 has no `\\Z`")]
    EndBeforeNewline,
    /// `\b`, `\Q` and other escapes that stand for no character, in a class.
    #[error("this escape stands for no character, so it cannot be in a class")]
    NoCharacter,
    /// Any other letter or digit behind a backslash.
    #[error("RE2 has no such escape")]
    Escape,
    /// `\p{…}` with a name that RE2 does not know.
    #[error("RE2 has no Unicode class of this name")]
    UnicodeClass,
    /// `[[:…:]]` with a name that is not one of POSIX.
    #[error("there is no such class of ASCII characters")]
    AsciiClass,
    /// `[z-a]`.
    #[error("the range ends before it begins")]
    Range,
    /// `[` that is not closed.
    #[error("the class is not closed")]
    UnclosedClass,
    /// `(` that is not closed.
    #[error("the group is not closed")]
    UnclosedGroup,
    /// `)` that closes nothing.
    #[error("no group is open here")]
    UnopenedGroup,
    /// `(?=`, `(?!`, `(?<=`, `(?<!`.
    #[error("RE2 has no look-around")]
    LookAround,
    /// `(?>`.
    #[error("RE2 has no atomic groups")]
    AtomicGroup,
    /// `(?#`.
    #[error("RE2 has no comments")]
    Comment,
    /// A letter after `(?` that is no flag of RE2.
    #[error("RE2 has the flags i, m, s and U only, in the forms `(?i)`, `(?i-s)` and `(?i:…)`")]
    Flag,
    /// A group's name is not closed, empty, or has other than letters, digits and `_`.
    #[error("a group's name has letters, digits and `_` only, and ends with `>`")]
    GroupName,
    /// `*` with nothing before it.
    #[error("there is nothing to repeat")]
    NothingToRepeat,
    /// `a**`, `a{2}{3}`.
    #[error("a repetition cannot be repeated")]
    RepeatedRepetition,
    /// `a*+`.
    #[error("RE2 has no possessive repetitions")]
    PossessiveRepetition,
    /// `a{3,2}`.
    #[error("the repetition's least number is above its greatest")]
    RepetitionBounds,
    /// `a{1001}`, `(a{100}){11}`.
    #[error(
        "nothing may repeat more than {MAXIMUM_REPEAT} times, repetitions within it multiplied"
    )]
    RepetitionSize,
    /// Deeper than any pattern of the API's length is.
    #[error("alternatives and repetitions lie more than {MAXIMUM_DEPTH} deep in one another")]
    Depth,
    /// More steps than are run.
    #[error("the pattern takes more than {MAXIMUM_SIZE} steps")]
    Size,
}

impl Fault {
    /// What to write instead: an imperative without a full stop.
    pub fn mend(self) -> &'static str {
        match self {
            Self::TrailingBackslash => r"write `\\` for a backslash",
            Self::BackReference => "write out what the group may be",
            Self::Hexadecimal => r"write such as `\x2F` or `\x{2F}`",
            Self::EndBeforeNewline => r"write `\z` for the end",
            Self::NoCharacter => "write the character itself, or take the escape out of the class",
            Self::Escape => r"write the letter without the backslash, or `\x` and its number",
            Self::UnicodeClass => {
                r"write a general category such as `\p{Lu}` or a script such as `\p{Greek}`, spelled so"
            }
            Self::AsciiClass => "write such as `[:alpha:]`, `[:digit:]` or `[:^space:]`",
            Self::Range => r"write the lower character first, or `\-` for a hyphen",
            Self::UnclosedClass => r"write `]` at its end, or `\[` for a bracket",
            Self::UnclosedGroup => r"write `)` at its end, or `\(` for a parenthesis",
            Self::UnopenedGroup => r"take it out, or write `\)` for a parenthesis",
            Self::LookAround => {
                "write what must match as part of the whole, and what must not with `invert`"
            }
            Self::AtomicGroup => "write `(?:`",
            Self::Comment => "take it out",
            Self::Flag => "write one of these",
            Self::GroupName => "write such as `(?P<name>`",
            Self::NothingToRepeat => "write what repeats, or a backslash for the character itself",
            Self::RepeatedRepetition => "put the inner one in parentheses, or take one out",
            Self::PossessiveRepetition => "take the `+` out, no value is matched otherwise by it",
            Self::RepetitionBounds => "write the lower number first",
            Self::RepetitionSize => "write a lower number, or `*`",
            Self::Depth => "write them side by side",
            Self::Size => "write lower numbers of repetitions, or fewer Unicode classes",
        }
    }
}
