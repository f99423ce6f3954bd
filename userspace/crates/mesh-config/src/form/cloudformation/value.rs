//! What functions of templates make: text whose parts may be open, lists and objects.

use std::fmt;

use smol_str::SmolStr;

/// A value and the line that asks for it.
#[derive(Clone, Debug)]
pub(super) struct Evaluated {
    pub(super) value: Value,
    pub(super) line: u32,
}

#[derive(Clone, Debug)]
pub(super) enum Value {
    /// `AWS::NoValue`: what holds it goes without it.
    Absent,
    Null,
    /// A number or a truth value, as the template has it.
    Bare(SmolStr),
    /// Text; with open parts it may stand for a list or an object too.
    Text(Text),
    List(Vec<Evaluated>),
    Map(Vec<(SmolStr, Evaluated)>),
}

/// Text in parts, no two known ones in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Text(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    Known(SmolStr),
    Open(Expression),
    /// It has a fault, which is reported.
    Faulty,
}

/// What has no value yet.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Expression {
    /// Its text, by which it can be given one.
    pub(super) text: SmolStr,
    /// What is open in that text itself.
    pub(super) inner: Vec<SmolStr>,
}

impl Text {
    pub(super) fn known(text: impl Into<SmolStr>) -> Self {
        let text = text.into();
        if text.is_empty() {
            return Self::default();
        }
        Self(vec![Part::Known(text)])
    }

    pub(super) fn open(text: impl Into<SmolStr>, inner: Vec<SmolStr>) -> Self {
        let text = text.into();
        Self(vec![Part::Open(Expression { text, inner })])
    }

    pub(super) fn faulty() -> Self {
        Self(vec![Part::Faulty])
    }

    pub(super) fn as_known(&self) -> Option<&str> {
        match &self.0[..] {
            [] => Some(""),
            [Part::Known(text)] => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_open(&self) -> bool {
        self.as_known().is_none()
    }

    pub(super) fn is_faulty(&self) -> bool {
        self.0.contains(&Part::Faulty)
    }

    /// Every open expression in it.
    pub(super) fn expressions(&self) -> impl Iterator<Item = &SmolStr> {
        self.0.iter().flat_map(|part| {
            let expression = match part {
                Part::Open(expression) => Some(expression),
                Part::Known(_) | Part::Faulty => None,
            };
            expression
                .into_iter()
                .flat_map(|expression| expression.inner.iter().chain([&expression.text]))
        })
    }

    /// What stands for a value that depends on this text and cannot be told yet.
    pub(super) fn into_unsettled(mut self) -> Self {
        self.0.retain(|part| !matches!(part, Part::Known(_)));
        self
    }

    pub(super) fn push(&mut self, more: Self) {
        for part in more.0 {
            if let (Some(Part::Known(last)), Part::Known(next)) = (self.0.last_mut(), &part) {
                *last = format!("{last}{next}").into();
            } else {
                self.0.push(part);
            }
        }
    }

    /// Its pieces between separators in the known parts; open parts are taken to have none.
    pub(super) fn split(&self, separator: char) -> Vec<Self> {
        let mut pieces = vec![Self::default()];
        for part in &self.0 {
            let Part::Known(text) = part else {
                pieces.last_mut().expect("never empty").0.push(part.clone());
                continue;
            };
            for (index, piece) in text.split(separator).enumerate() {
                if index > 0 {
                    pieces.push(Self::default());
                }
                pieces
                    .last_mut()
                    .expect("never empty")
                    .push(Self::known(piece));
            }
        }
        pieces
    }

    /// How many bytes of text it holds.
    pub(super) fn len(&self) -> usize {
        let lengths = self.0.iter().map(|part| match part {
            Part::Known(text) => text.len(),
            Part::Open(expression) => expression.text.len(),
            Part::Faulty => 0,
        });
        lengths.sum()
    }
}

impl fmt::Display for Text {
    /// Open parts as `${EXPRESSION}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| match part {
            Part::Known(text) => f.write_str(text),
            Part::Open(expression) => write!(f, "${{{}}}", expression.text),
            Part::Faulty => f.write_str("${…}"),
        })
    }
}

impl Value {
    pub(super) fn faulty() -> Self {
        Self::Text(Text::faulty())
    }

    pub(super) fn known(text: impl Into<SmolStr>) -> Self {
        Self::Text(Text::known(text))
    }

    pub(super) fn at(self, line: u32) -> Evaluated {
        Evaluated { value: self, line }
    }

    /// The text of a scalar.
    pub(super) fn as_text(&self) -> Option<Text> {
        match self {
            Self::Bare(text) => Some(Text::known(text.clone())),
            Self::Text(text) => Some(text.clone()),
            _ => None,
        }
    }

    /// What in it is open, or faulty.
    pub(super) fn unsettled(&self) -> Option<Text> {
        match self {
            Self::Text(text) => text.is_open().then(|| text.clone().into_unsettled()),
            Self::List(items) => items.iter().find_map(|item| item.value.unsettled()),
            Self::Map(members) => members
                .iter()
                .find_map(|(_, member)| member.value.unsettled()),
            Self::Absent | Self::Null | Self::Bare(_) => None,
        }
    }

    /// As CloudFormation compares values: scalars by their text.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Absent, Self::Absent) | (Self::Null, Self::Null) => true,
            (Self::List(a), Self::List(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.value.is_same(&b.value))
            }
            (Self::Map(a), Self::Map(b)) => {
                a.len() == b.len()
                    && a.iter().all(|(name, a)| {
                        b.iter()
                            .any(|(other, b)| name == other && a.value.is_same(&b.value))
                    })
            }
            _ => match (self.as_text(), other.as_text()) {
                (Some(a), Some(b)) => a == b,
                _ => false,
            },
        }
    }

    /// How many values and how much text it holds, as evaluation counts them.
    pub(super) fn cost(&self) -> usize {
        match self {
            Self::Text(text) => 1 + text.len() / 32,
            Self::Bare(_) | Self::Absent | Self::Null => 1,
            Self::List(items) => 1 + items.iter().map(|item| item.value.cost()).sum::<usize>(),
            Self::Map(members) => {
                let inner = members.iter().map(|(_, member)| member.value.cost());
                1 + inner.sum::<usize>()
            }
        }
    }
}

impl fmt::Display for Value {
    /// As JSON has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn quoted(text: impl fmt::Display) -> String {
            serde_json::Value::from(text.to_string()).to_string()
        }
        match self {
            Self::Absent | Self::Null => f.write_str("null"),
            Self::Bare(text) => f.write_str(text),
            Self::Text(text) => f.write_str(&quoted(text)),
            Self::List(items) => {
                f.write_str("[")?;
                for (index, item) in items.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}", item.value)?;
                }
                f.write_str("]")
            }
            Self::Map(members) => {
                f.write_str("{")?;
                for (index, (name, member)) in members.iter().enumerate() {
                    let comma = if index == 0 { "" } else { "," };
                    write!(f, "{comma}{}:{}", quoted(name), member.value)?;
                }
                f.write_str("}")
            }
        }
    }
}

#[cfg(test)]
mod tests;
