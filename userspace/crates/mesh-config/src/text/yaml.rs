//! YAML to trees, one for each document of the text.
//!
//! Aliases are expanded within the limit of values, merge keys (`<<`) are resolved, and the short
//! tags of CloudFormation become what they abbreviate: `!Ref A` is `{"Ref": "A"}`.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};
use smol_str::SmolStr;

use super::{Fault, MAX_DEPTH, MAX_VALUES, Text};
use crate::{
    problem::path::FieldPath,
    tree::{Gathering, Members, Node, Value},
};

/// Reads every document of a text.
pub(crate) fn read(text: &str) -> Result<Text, Fault> {
    let mut builder = Builder::default();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.map_err(|error| no_yaml(text, &error))?;
        builder.take(event, span)?;
    }
    Ok(Text {
        documents: builder.documents,
        twice: builder.twice,
        placeholders: builder.placeholders,
    })
}

#[derive(Default)]
struct Builder {
    documents: Vec<Node>,
    twice: Vec<(usize, FieldPath)>,
    placeholders: Vec<(usize, Fault)>,
    open: Vec<Open>,
    /// Finished values under an anchor, with how many values they hold.
    anchors: HashMap<usize, (Node, usize)>,
    values: usize,
}

/// A list or object whose end has not come yet.
struct Open {
    line: u32,
    /// From 1.
    column: usize,
    anchor: usize,
    tag: Option<SmolStr>,
    values_before: usize,
    content: Content,
}

enum Content {
    List(Vec<Node>),
    Map {
        members: Gathering,
        /// Named, and its value not seen yet.
        name: Option<SmolStr>,
        merges: Vec<Node>,
        /// It is no object, but the placeholder `{{NAME}}` of a template.
        placeholder: Option<SmolStr>,
    },
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Fault> {
        let line = u32::try_from(span.start.line()).unwrap_or(u32::MAX);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(&text, style, tag.as_deref());
                let node = tagged(tag.as_deref(), Node::new(value, line));
                self.count(1, span)?;
                self.keep(anchor, &node, 1);
                self.add(node, span)
            }
            Event::SequenceStart(anchor, tag) => self.begin(
                line,
                anchor,
                tag.as_deref(),
                Content::List(Vec::new()),
                span,
            ),
            Event::MappingStart(anchor, tag) => {
                let content = Content::Map {
                    members: Gathering::default(),
                    name: None,
                    merges: Vec::new(),
                    placeholder: None,
                };
                self.begin(line, anchor, tag.as_deref(), content, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let Some((node, values)) = self.anchors.get(&anchor).cloned() else {
                    return Err(fault(span, "an alias stands for itself", "write its value"));
                };
                self.count(values, span)?;
                self.add(node, span)
            }
            Event::DocumentStart(_) => {
                self.anchors.clear();
                Ok(())
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn begin(
        &mut self,
        line: u32,
        anchor: usize,
        tag: Option<&Tag>,
        content: Content,
        span: Span,
    ) -> Result<(), Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(Fault::too_deep(span.start.line(), span.start.col() + 1));
        }
        let values_before = self.values;
        self.count(1, span)?;
        self.open.push(Open {
            line,
            column: span.start.col() + 1,
            anchor,
            tag: tag.and_then(function),
            values_before,
            content,
        });
        Ok(())
    }

    fn end(&mut self, span: Span) -> Result<(), Fault> {
        let Some(open) = self.open.pop() else {
            return Ok(());
        };
        let value = match open.content {
            Content::List(items) => Value::List(items),
            Content::Map {
                placeholder: Some(name),
                ..
            } => Value::Text(format!("{{{{{name}}}}}").into()),
            Content::Map {
                mut members,
                merges,
                ..
            } => {
                for merged in merges {
                    merge(&mut members, merged);
                }
                Value::Map(members.into())
            }
        };
        let node = called(open.tag, Node::new(value, open.line));
        self.keep(open.anchor, &node, self.values - open.values_before);
        self.add(node, span)
    }

    fn keep(&mut self, anchor: usize, node: &Node, values: usize) {
        if anchor > 0 {
            self.anchors.insert(anchor, (node.clone(), values));
        }
    }

    fn count(&mut self, values: usize, span: Span) -> Result<(), Fault> {
        self.values = self.values.saturating_add(values);
        if self.values > MAX_VALUES {
            return Err(Fault::too_many(span.start.line(), span.start.col() + 1));
        }
        Ok(())
    }

    /// Puts a finished value where it belongs.
    fn add(&mut self, node: Node, span: Span) -> Result<(), Fault> {
        let document = self.documents.len();
        let Some(open) = self.open.last_mut() else {
            self.documents.push(node);
            return Ok(());
        };
        match &mut open.content {
            Content::List(items) => items.push(node),
            Content::Map {
                members,
                name,
                merges,
                placeholder,
            } => match name.take() {
                None if node.as_map().is_some() => {
                    let inner = node.as_map().and_then(|inner| inner.iter().next());
                    *placeholder = Some(inner.map(|inner| inner.name.clone()).unwrap_or_default());
                    *name = Some(SmolStr::default());
                    let known = self.placeholders.last();
                    if known.is_none_or(|(known, _)| *known != document) {
                        let fault = template(open.line, open.column);
                        self.placeholders.push((document, fault));
                    }
                }
                None => *name = Some(key(&node, span)?),
                Some(given) if given == "<<" => merges.push(node),
                Some(given) => {
                    if members.insert(given.clone(), node) {
                        let path = self.path().member(&given);
                        self.twice.push((document, path));
                    }
                }
            },
        }
        Ok(())
    }

    /// The path of the innermost open object.
    fn path(&self) -> FieldPath {
        let mut path = FieldPath::default();
        let outer = self.open.split_last().map_or(&[][..], |(_, outer)| outer);
        for open in outer {
            path = match &open.content {
                Content::List(items) => path.item(items.len()),
                Content::Map { name, .. } => path.member(name.as_deref().unwrap_or_default()),
            };
        }
        path
    }
}

/// What lies under a merge key adds the members that are not there.
fn merge(members: &mut Gathering, merged: Node) {
    match merged.value {
        Value::Map(others) => {
            for other in others {
                if !members.has(&other.name) {
                    members.insert(other.name, other.node);
                }
            }
        }
        Value::List(items) => items.into_iter().for_each(|item| merge(members, item)),
        _ => {}
    }
}

/// The name of a member: any scalar.
fn key(node: &Node, span: Span) -> Result<SmolStr, Fault> {
    match &node.value {
        Value::Null => Ok("null".into()),
        Value::List(_) | Value::Map(_) => Err(fault(
            span,
            "the name of a member is no plain word",
            "write a word",
        )),
        Value::Bool(value) => Ok(value.to_string().into()),
        Value::Int(number) => Ok(number.to_string().into()),
        Value::Float(number) => Ok(number.to_string().into()),
        Value::Text(text) | Value::Loose(text) | Value::Open(text) => Ok(text.clone()),
    }
}

fn scalar(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Value {
    let core = tag.filter(|tag| tag.is_yaml_core_schema());
    match core.map(|tag| tag.suffix.as_str()) {
        Some("str") => return Value::Text(text.into()),
        None if style != ScalarStyle::Plain => return Value::Text(text.into()),
        _ => {}
    }
    plain(text)
}

/// What a scalar without quotation marks is, by YAML's core schema. What YAML 1.1 and 1.2 take for
/// different things is left to the field that wants it.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let is_either = matches!(
        text.to_ascii_lowercase().as_str(),
        "yes" | "no" | "on" | "off"
    );
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let is_octal = digits.len() > 1 && digits.starts_with('0');
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if is_either || text.contains('$') || (is_octal && digits.bytes().all(|b| b.is_ascii_digit())) {
        return Value::Loose(text.into());
    }
    if is_number && let Ok(number) = text.parse() {
        return Value::Int(number);
    }
    if is_number && let Ok(number) = text.parse() {
        return Value::Float(number);
    }
    Value::Text(text.into())
}

/// The function of CloudFormation that a short tag stands for.
fn function(tag: &Tag) -> Option<SmolStr> {
    let name = tag.suffix.as_str();
    let is_function = tag.handle == "!"
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b':');
    is_function.then(|| match name {
        "Ref" | "Condition" => name.into(),
        _ => format!("Fn::{name}").into(),
    })
}

fn tagged(tag: Option<&Tag>, node: Node) -> Node {
    called(tag.and_then(function), node)
}

/// A value as the argument of a function.
fn called(function: Option<SmolStr>, node: Node) -> Node {
    let Some(function) = function else {
        return node;
    };
    let line = node.line;
    let mut call = Members::default();
    call.push(function, None, node);
    Node::new(Value::Map(call), line)
}

/// What to do with a template of manifests.
const RENDER: &str =
    "it is a template: give what comes out of it, as by `helm template CHART > mesh.yaml`";

/// `{{NAME}}` without quotation marks: to YAML, an object whose only name is an object.
fn template(line: u32, column: usize) -> Fault {
    Fault {
        line: line as usize,
        column,
        message: "`{{ }}` stands for a value".to_owned(),
        mend: RENDER.to_owned(),
    }
}

fn fault(span: Span, message: &str, mend: &str) -> Fault {
    Fault {
        line: span.start.line(),
        column: span.start.col() + 1,
        message: message.to_owned(),
        mend: mend.to_owned(),
    }
}

fn no_yaml(text: &str, error: &ScanError) -> Fault {
    let marker = error.marker();
    if error.info().contains("recursion limit") {
        return Fault::too_deep(marker.line(), marker.col() + 1);
    }
    let mut before = text.lines().take(marker.line().max(1));
    let at_fault = before.clone().last().unwrap_or_default();
    let mend = if before.any(|line| line.contains("{{")) {
        RENDER
    } else if at_fault.contains('\t') {
        "indent with spaces, not with tabs"
    } else {
        "mend the text here or just above: often the indentation, a colon or a quotation mark"
    };
    Fault {
        line: marker.line(),
        column: marker.col() + 1,
        message: format!("the file is no YAML: {}", error.info()),
        mend: mend.to_owned(),
    }
}

#[cfg(test)]
mod tests;
