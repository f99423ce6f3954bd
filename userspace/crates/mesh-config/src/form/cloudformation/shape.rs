//! Evaluated properties to the shape of the API, with what is open in them.

use smol_str::SmolStr;

use super::{
    arn::{Arn, name_in_arn, refers_to},
    evaluator::Evaluator,
    spelling,
    value::{Evaluated, Text, Value},
};
use crate::{
    document::Kind,
    problem::path::{FieldPath, Step},
    tree::{self, Members, Node},
};

/// The walk that gives a resource's properties the shape of the API.
pub(super) struct Shaping {
    /// The resource's own mesh.
    mesh: Text,
    /// In the shape of the API.
    path: FieldPath,
    /// Scalars that are open, whole or in part.
    pub(super) open: Vec<(FieldPath, Text)>,
    /// Names in the wrong case, with the API's, by the object that has them.
    pub(super) misspelt: Vec<(FieldPath, Vec<(SmolStr, SmolStr)>)>,
}

impl Shaping {
    pub(super) fn new(mesh: Text) -> Self {
        Self {
            mesh,
            path: FieldPath::default(),
            open: Vec::new(),
            misspelt: Vec::new(),
        }
    }

    pub(super) fn node(&mut self, evaluated: Evaluated, evaluator: &mut Evaluator<'_>) -> Node {
        let Evaluated { value, line } = evaluated;
        let value = match value {
            Value::Absent | Value::Null => tree::Value::Null,
            Value::Bare(text) => tree::Value::Loose(text),
            Value::Text(text) => self.scalar(resolved(text, evaluator)),
            Value::List(items) => {
                let mut nodes = Vec::with_capacity(items.len());
                for (index, item) in items.into_iter().enumerate() {
                    self.path.0.push(Step::Item(index));
                    nodes.push(self.node(item, evaluator));
                    self.path.0.pop();
                }
                tree::Value::List(nodes)
            }
            Value::Map(members) => tree::Value::Map(self.members(members, evaluator)),
        };
        Node::new(value, line)
    }

    fn scalar(&mut self, text: Text) -> tree::Value {
        if let Some(known) = text.as_known() {
            return tree::Value::Loose(known.into());
        }
        let shown = tree::Value::Open(text.to_string().into());
        self.open.push((self.path.clone(), text));
        shown
    }

    fn members(
        &mut self,
        members: Vec<(SmolStr, Evaluated)>,
        evaluator: &mut Evaluator<'_>,
    ) -> Members {
        let mut shaped = Members::default();
        let mut misspelt = Vec::new();
        for (written, value) in members {
            let name = spelling::of_api(&written);
            if name != written && spelling::of_template(&name) != written.as_str()
                || name == written && spelling::is_member(&name)
            {
                misspelt.push((written.clone(), name.clone()));
            }
            self.path.0.push(Step::Member(name.to_string()));
            let value = self.without_arn(&name, value);
            let node = self.node(value, evaluator);
            self.path.0.pop();
            let path = FieldPath::default().member(&written);
            shaped.push(name, Some(path), node);
        }
        if !misspelt.is_empty() {
            self.misspelt.push((self.path.clone(), misspelt));
        }
        shaped
    }

    /// The name alone, where the ARN of a resource of the same mesh stands: its region and account
    /// need not be known.
    fn without_arn(&self, name: &str, evaluated: Evaluated) -> Evaluated {
        let named = |text: &Text| {
            let kind = refers_to(name)?;
            let arn = Arn::of(text)?;
            let is_own = kind == Kind::Mesh || arn.mesh == self.mesh;
            is_own.then(|| name_in_arn(text, kind)).flatten()
        };
        match &evaluated.value {
            Value::Text(text) => match named(text) {
                Some(name) => Value::Text(name).at(evaluated.line),
                None => evaluated,
            },
            _ => evaluated,
        }
    }
}

/// Text whose dynamic references, `{{resolve:ssm:/port}}`, are given or open.
fn resolved(text: Text, evaluator: &mut Evaluator<'_>) -> Text {
    const BEGIN: &str = "{{resolve:";
    let Some(mut rest) = text.as_known().filter(|text| text.contains(BEGIN)) else {
        return text;
    };
    let mut whole = Text::default();
    while let Some(begin) = rest.find(BEGIN) {
        let Some(length) = rest[begin..].find("}}") else {
            break;
        };
        let end = begin + length + 2;
        whole.push(Text::known(&rest[..begin]));
        let value = evaluator.settable(&rest[begin..end], Vec::new());
        whole.push(value.as_text().unwrap_or_else(Text::faulty));
        rest = &rest[end..];
    }
    whole.push(Text::known(rest));
    whole
}
