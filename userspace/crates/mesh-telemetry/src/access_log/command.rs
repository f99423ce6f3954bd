//! One operator in the text of a format.

/// `%NAME(ARGUMENT):MOST%`
pub(super) struct Command<'a> {
    pub(super) whole: &'a str,
    pub(super) name: &'a str,
    pub(super) argument: Option<&'a str>,
    pub(super) most: Option<usize>,
}

impl<'a> Command<'a> {
    /// Reads one that begins here.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let body = text.strip_prefix('%')?;
        let is_name = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
        let end = body.find(|c| !is_name(c)).filter(|end| *end > 0)?;
        let (name, mut rest) = body.split_at(end);
        let mut argument = None;
        if let Some(inner) = rest.strip_prefix('(') {
            let (given, after) = inner.split_once(')')?;
            (argument, rest) = (Some(given), after);
        }
        let mut most = None;
        if let Some(number) = rest.strip_prefix(':') {
            let end = number.find(|c: char| !c.is_ascii_digit())?;
            most = Some(number[..end].parse().ok()?);
            rest = &number[end..];
        }
        let after = rest.strip_prefix('%')?;
        Some(Self {
            whole: &text[..text.len() - after.len()],
            name,
            argument,
            most,
        })
    }
}
