//! JSON to a tree. Variables may stand where a value does, without quotation marks.

use jiter::{Jiter, JiterError, JiterErrorType, JsonErrorType, Peek};
use smol_str::SmolStr;

use super::{Fault, MAX_DEPTH, MAX_VALUES, Text, variables::quote_bare};
use crate::{
    problem::path::{FieldPath, Step},
    tree::{Gathering, Members, Node, Value},
};

/// Reads a whole text.
pub(crate) fn read(text: &str) -> Result<Text, Fault> {
    let text = quote_bare(text);
    let mut reader = Reader {
        jiter: Jiter::new(text.as_bytes()),
        text: text.as_bytes(),
        line: 1,
        counted_to: 0,
        values: 0,
        way: Vec::new(),
        documents: Vec::new(),
        twice: Vec::new(),
    };
    let read = reader.whole();
    read.map_err(|stop| reader.fault(stop))?;
    Ok(Text {
        documents: reader.documents,
        twice: reader.twice,
        placeholders: Vec::new(),
    })
}

struct Reader<'t> {
    jiter: Jiter<'t>,
    text: &'t [u8],
    line: u32,
    counted_to: usize,
    values: usize,
    way: Vec<Way>,
    documents: Vec<Node>,
    twice: Vec<(usize, FieldPath)>,
}

/// A step that costs no allocation: one is taken for each value.
#[derive(Clone)]
enum Way {
    Member(SmolStr),
    Item(usize),
}

enum Stop {
    Syntax(JiterError),
    TooDeep,
    TooMany,
}

impl From<JiterError> for Stop {
    fn from(error: JiterError) -> Self {
        Self::Syntax(error)
    }
}

impl Reader<'_> {
    /// One value after another, as several calls of the AWS CLI print them into one file.
    fn whole(&mut self) -> Result<(), Stop> {
        loop {
            let peek = self.jiter.peek()?;
            let node = self.node(peek)?;
            self.documents.push(node);
            let rest = self.text[self.jiter.current_index()..].trim_ascii_start();
            if !rest.starts_with(b"{") && !rest.starts_with(b"[") {
                self.jiter.finish()?;
                return Ok(());
            }
        }
    }

    fn node(&mut self, peek: Peek) -> Result<Node, Stop> {
        let line = self.line_here();
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Stop::TooMany);
        }
        let value = match peek {
            Peek::Null => {
                self.jiter.known_null()?;
                Value::Null
            }
            Peek::True | Peek::False => Value::Bool(self.jiter.known_bool(peek)?),
            Peek::String => Value::Text(self.jiter.known_str()?.into()),
            Peek::Array => Value::List(self.items()?),
            Peek::Object => Value::Map(self.members()?),
            _ => number(self.jiter.known_number_bytes(peek)?),
        };
        Ok(Node::new(value, line))
    }

    fn items(&mut self) -> Result<Vec<Node>, Stop> {
        let mut items = Vec::new();
        let mut next = self.jiter.known_array()?;
        while let Some(peek) = next {
            items.push(self.further(Way::Item(items.len()), |reader| reader.node(peek))?);
            next = self.jiter.array_step()?;
        }
        Ok(items)
    }

    fn members(&mut self) -> Result<Members, Stop> {
        let mut members = Gathering::default();
        let mut next: Option<SmolStr> = self.jiter.known_object()?.map(Into::into);
        while let Some(name) = next {
            let peek = self.jiter.peek()?;
            self.further(Way::Member(name.clone()), |reader| {
                let node = reader.node(peek)?;
                if members.insert(name, node) {
                    reader.note_twice();
                }
                Ok(())
            })?;
            next = self.jiter.next_key()?.map(Into::into);
        }
        Ok(members.into())
    }

    /// Reads what lies one step further.
    fn further<T>(
        &mut self,
        step: Way,
        read: impl FnOnce(&mut Self) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        if self.way.len() == MAX_DEPTH {
            return Err(Stop::TooDeep);
        }
        self.way.push(step);
        let inner = read(self);
        self.way.pop();
        inner
    }

    fn note_twice(&mut self) {
        let step = |way: &Way| match way {
            Way::Member(name) => Step::Member(name.to_string()),
            Way::Item(index) => Step::Item(*index),
        };
        let path = FieldPath(self.way.iter().map(step).collect());
        self.twice.push((self.documents.len(), path));
    }

    fn line_here(&mut self) -> u32 {
        let here = self.jiter.current_index();
        let passed = &self.text[self.counted_to..here];
        let lines = bytecount::count(passed, b'\n');
        self.line += u32::try_from(lines).unwrap_or(u32::MAX);
        self.counted_to = here;
        self.line
    }

    fn fault(&self, stop: Stop) -> Fault {
        let index = match &stop {
            Stop::Syntax(error) => error.index,
            Stop::TooDeep | Stop::TooMany => self.jiter.current_index(),
        };
        let place = self.jiter.error_position(index);
        match stop {
            Stop::TooDeep => Fault::too_deep(place.line, place.column),
            Stop::TooMany => Fault::too_many(place.line, place.column),
            Stop::Syntax(error) => Fault {
                line: place.line,
                column: place.column,
                message: format!("the file is no JSON: {}", error.error_type),
                mend: mend(&error, &self.text[index.min(self.text.len())..]).to_owned(),
            },
        }
    }
}

/// A number that is no integer of 64 bits is beyond every bound of the API.
fn number(digits: &[u8]) -> Value {
    let digits = str::from_utf8(digits).unwrap_or_default();
    match digits.parse() {
        Ok(number) => Value::Int(number),
        Err(_) => Value::Float(digits.parse().unwrap_or(f64::NAN)),
    }
}

fn mend(error: &JiterError, at_fault: &[u8]) -> &'static str {
    let ends_early = matches!(
        error.error_type,
        JiterErrorType::JsonError(
            JsonErrorType::EofWhileParsingList
                | JsonErrorType::EofWhileParsingObject
                | JsonErrorType::EofWhileParsingString
                | JsonErrorType::EofWhileParsingValue
        )
    );
    let is_comment = [&b"//"[..], b"/*", b"#"]
        .iter()
        .any(|mark| at_fault.starts_with(mark));
    if is_comment {
        "JSON has no comments: take them out"
    } else if at_fault.starts_with(b"{") {
        "it is a template: render it first, and give what comes out"
    } else if ends_early {
        "the file ends too early: close every brace, bracket and quotation mark"
    } else {
        "mend the text here: often a comma, a quotation mark or a brace too many or too few"
    }
}

#[cfg(test)]
mod tests;
