//! `Fn::ImportValue`, and what the templates of a set export.

use std::{collections::HashMap, sync::Arc};

use super::{
    condition::Truth,
    evaluator::Evaluator,
    value::{Text, Value},
};
use crate::tree::Node;

/// What a template exports under a name.
pub(super) struct Export<'a> {
    template: usize,
    output: &'a str,
    value: &'a Node,
}

/// What all templates export; a name that two of them export is none that can be imported.
pub(super) type Exports<'a> = HashMap<Text, Vec<Export<'a>>>;

/// The name in the expression for an import.
pub(super) fn imported(expression: &str) -> Option<&str> {
    IMPORTS
        .iter()
        .find_map(|prefix| expression.strip_prefix(prefix))
}

/// How an import is written; the first is the one that is printed.
const IMPORTS: [&str; 3] = ["ImportValue ", "Fn::ImportValue: ", "Fn::ImportValue "];

impl<'a> Evaluator<'a> {
    /// `Fn::ImportValue`
    pub(super) fn import(&mut self, argument: &'a Node) -> Value {
        let Some(name) = self.text(argument) else {
            return Value::faulty();
        };
        for prefix in IMPORTS {
            let given = self.given_nested(&format!("{prefix}{name}"), |evaluator| {
                let name = evaluator.text(argument)?;
                Some(format!("{prefix}{name}"))
            });
            if let Some(given) = given {
                return Value::known(given);
            }
        }
        if name.is_faulty() {
            return Value::faulty();
        }
        let exports = self.exports();
        let Some([export, others @ ..]) = exports.get(&name).map(Vec::as_slice) else {
            let inner = name.expressions().cloned().collect();
            return Value::Text(Text::open(format!("{}{name}", IMPORTS[0]), inner));
        };
        if let [other, ..] = others {
            let files = [export, other].map(|export| {
                let template = &self.templates[export.template];
                template.origin.source.name.clone()
            });
            let message = format!("`{name}` is exported twice: by {}", files.join(" and "));
            let mend = format!("say which: --param '{}{name}=VALUE'", IMPORTS[0]);
            return self.fault(argument.line, message, mend);
        }
        let what = format!("export {name}");
        let value = self.once(&what, argument.line, |evaluator| {
            let path = ["Outputs", export.output, "Value"];
            evaluator.elsewhere(export.template, &path, |evaluator| {
                evaluator.value(export.value).value
            })
        });
        value.unwrap_or_else(Value::faulty)
    }

    /// What the templates of the set export.
    fn exports(&mut self) -> Arc<Exports<'a>> {
        if let Some(known) = &self.exports {
            return Arc::clone(known);
        }
        // An export whose name needs an import finds none.
        self.exports = Some(Arc::default());
        let mut exports = Exports::new();
        let cost = self.cost;
        let templates = self.templates;
        for (template, of) in templates.iter().enumerate() {
            self.cost = 0;
            for output in of.section("Outputs").into_iter().flatten() {
                let name = output.node.get("Export").and_then(|node| node.get("Name"));
                let (Some(name), Some(value)) = (name, output.node.get("Value")) else {
                    continue;
                };
                let condition = output.node.get("Condition").and_then(Node::as_str);
                let path = ["Outputs", output.name.as_str(), "Export", "Name"];
                let name = self.elsewhere(template, &path, |evaluator| {
                    evaluator.silently(|evaluator| {
                        let made = condition.is_none_or(|condition| {
                            let truth = evaluator.condition(condition, output.node.line);
                            !matches!(truth, Truth::Known(false))
                        });
                        made.then(|| evaluator.text(name)).flatten()
                    })
                });
                if let Some(name) = name {
                    exports.entry(name).or_default().push(Export {
                        template,
                        output: &output.name,
                        value,
                    });
                }
            }
        }
        self.cost = cost;
        let exports = Arc::new(exports);
        self.exports = Some(Arc::clone(&exports));
        exports
    }
}
