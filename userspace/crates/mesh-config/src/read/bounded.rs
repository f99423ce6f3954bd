//! Numbers, strings and lists with bounds.

use mesh_model::spec::{Expression, Items, Number, Port, Text};

use super::{Read, cursor::At};
use crate::problem::Rule;

impl Read for bool {
    fn read(at: &At<'_>) -> Option<Self> {
        let read = at.as_bool();
        if read.is_none() {
            at.refuse("true or false", "write it without quotation marks");
        }
        read
    }
}

impl Read for i64 {
    fn read(at: &At<'_>) -> Option<Self> {
        number(at, i64::MIN, i64::MAX)
    }
}

impl Read for u64 {
    fn read(at: &At<'_>) -> Option<Self> {
        number(at, 0, i64::MAX).and_then(|number| Self::try_from(number).ok())
    }
}

impl Read for Port {
    fn read(at: &At<'_>) -> Option<Self> {
        number(at, 1, i64::from(u16::MAX)).and_then(|number| Self::try_from(number).ok())
    }
}

impl<const MIN: i64, const MAX: i64> Read for Number<MIN, MAX> {
    fn read(at: &At<'_>) -> Option<Self> {
        number(at, MIN, MAX).and_then(|number| Self::try_from(number).ok())
    }
}

fn number(at: &At<'_>, min: i64, max: i64) -> Option<i64> {
    let given = at.as_i64();
    if let Some(number) = given
        && (min..=max).contains(&number)
    {
        return Some(number);
    }
    let rule = match (min, max) {
        (i64::MIN, _) => "a whole number".to_owned(),
        (min, i64::MAX) => format!("a whole number from {min} up"),
        (min, max) => format!("a whole number from {min} to {max}"),
    };
    let quoted = given.is_none()
        && at
            .as_str()
            .is_some_and(|text| text.trim().parse::<i64>().is_ok());
    let mend = if quoted {
        "write it without quotation marks"
    } else {
        "write a number in that range"
    };
    at.refuse(rule, mend);
    None
}

impl Read for String {
    fn read(at: &At<'_>) -> Option<Self> {
        Text::<0, { usize::MAX }>::read(at).map(|text| text.as_str().to_owned())
    }
}

impl<const MIN: usize, const MAX: usize> Read for Text<MIN, MAX> {
    fn read(at: &At<'_>) -> Option<Self> {
        let rule = match (MIN, MAX) {
            (0, usize::MAX) => "a string".to_owned(),
            (1, usize::MAX) => "a string that is not empty".to_owned(),
            _ if MIN == MAX => format!("a string of {MIN} characters"),
            _ => format!("a string of {MIN} to {MAX} characters"),
        };
        let Some(text) = at.as_str() else {
            at.refuse(rule, "write it in quotation marks");
            return None;
        };
        let read = Self::try_from(text.to_owned()).ok();
        if read.is_none() {
            let mend = if text.chars().count() < MIN {
                "write a longer one"
            } else {
                "shorten it"
            };
            at.refuse(rule, format!("{mend}; it has {} now", text.chars().count()));
        }
        read
    }
}

impl Read for Expression {
    fn read(at: &At<'_>) -> Option<Self> {
        match Self::try_from(Text::read(at)?) {
            Ok(expression) => Some(expression),
            Err(error) => {
                let (text, character, fault) = (error.text, error.character, error.fault);
                at.refuse(
                    format!("an expression of RE2, and `{text}` at character {character}: {fault}"),
                    fault.mend(),
                );
                None
            }
        }
    }
}

impl<T: Read> Read for Vec<T> {
    fn read(at: &At<'_>) -> Option<Self> {
        at.items()
    }
}

impl<T: Read, const MIN: usize, const MAX: usize> Read for Items<T, MIN, MAX> {
    fn read(at: &At<'_>) -> Option<Self> {
        let items: Vec<T> = at.items()?;
        let count = items.len();
        let read = Self::try_from(items).ok();
        if read.is_none() {
            let mend = if count < MIN {
                "add some"
            } else {
                "leave some out"
            };
            at.problem(
                Rule::Value,
                format!("{count} items are not allowed: {MIN} to {MAX} are"),
                mend,
            );
        }
        read
    }
}
