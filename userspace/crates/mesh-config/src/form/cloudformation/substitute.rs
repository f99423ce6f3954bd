//! `Fn::Sub`: text with names in it.

use super::{
    evaluator::Evaluator,
    value::{Text, Value},
};
use crate::{
    problem::path::Step,
    tree::{Members, Node},
};

impl<'a> Evaluator<'a> {
    /// `Fn::Sub`
    pub(super) fn substitute(&mut self, argument: &'a Node) -> Value {
        const FORM: &str = "TEXT, or [ TEXT, { NAME: VALUE } ]";
        let (text, variables) = match (argument.as_str(), argument.as_list()) {
            (Some(text), _) => (text, None),
            (None, Some([text, variables])) => match (text.as_str(), variables.as_map()) {
                (Some(text), Some(variables)) => (text, Some(variables)),
                _ => return self.misshapen(argument.line, FORM),
            },
            _ => return self.misshapen(argument.line, FORM),
        };
        let mut whole = Text::default();
        for piece in pieces(text) {
            match piece {
                Piece::Literal(text) => whole.push(Text::known(text)),
                Piece::Kept(name) => whole.push(Text::known(format!("${{{name}}}"))),
                Piece::Name(name) => match self.substituted(name, variables, argument.line) {
                    Some(text) => whole.push(text),
                    None => whole.push(Text::faulty()),
                },
            }
        }
        Value::Text(whole)
    }

    fn substituted(
        &mut self,
        name: &str,
        variables: Option<&'a Members>,
        line: u32,
    ) -> Option<Text> {
        let value = if let Some(own) = variables.and_then(|own| own.member(name)) {
            self.step(Step::Item(1), |evaluator| {
                evaluator.member(&own.name, |evaluator| evaluator.value(&own.node).value)
            })
        } else if let Some((logical, attribute)) = name.split_once('.') {
            self.attribute_of(logical, attribute, line)
        } else {
            self.named(name, line)
        };
        let text = value.as_text();
        if text.is_none() {
            let message = format!("`${{{name}}}` is no text, and cannot be put into text");
            self.fault(line, message, "take an item of it with `Fn::Select`");
        }
        text
    }
}

/// A piece of the text of `Fn::Sub`.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Literal(&'t str),
    /// `${!NAME}`, which stands for `${NAME}` itself.
    Kept(&'t str),
    /// `${NAME}`
    Name(&'t str),
}

fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    let mut from = 0;
    while let Some(found) = rest[from..].find("${") {
        let begin = from + found;
        let Some(length) = rest[begin..].find('}') else {
            break;
        };
        let name = &rest[begin + 2..begin + length];
        let piece = match name.strip_prefix('!') {
            Some(kept) => Piece::Kept(kept),
            None if is_name(name) => Piece::Name(name),
            // Not a name: a `$` before a brace that means something else.
            None => {
                from = begin + 2;
                continue;
            }
        };
        if begin > 0 {
            pieces.push(Piece::Literal(&rest[..begin]));
        }
        pieces.push(piece);
        rest = &rest[begin + length + 1..];
        from = 0;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest));
    }
    pieces
}

fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':'))
}
