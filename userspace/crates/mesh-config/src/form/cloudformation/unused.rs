//! Values that were given and that nothing asks for: a slip, mostly in the expression.

use std::{collections::BTreeSet, sync::Arc};

use super::{Template, attribute::Resource, import, reference};
use crate::{
    document::finding::Findings,
    form::Inputs,
    problem::{Place, Rule, suggest},
};

/// Warns of each. One that a template has, and that no App Mesh resource needs, is no slip.
pub(super) fn warn(
    templates: &[Arc<Template>],
    inputs: &Inputs,
    used: &BTreeSet<String>,
    findings: &mut Findings,
) {
    let unused = inputs.parameters.keys().filter(|expression| {
        let mut templates = templates.iter();
        !used.contains(*expression) && !templates.any(|template| is_of(template, expression))
    });
    let asked = findings.open.iter().map(|open| open.expression.as_str());
    let declared = templates
        .iter()
        .flat_map(|template| template.names("Parameters"));
    let known: Vec<&str> = asked.chain(declared).collect();
    let mut warnings = Vec::new();
    for expression in unused {
        let hint = suggest::closest(expression, known.iter().copied())
            .map_or_else(String::new, |meant| format!("; did you mean `{meant}`?"));
        let place = Place {
            document: Some(format!("--param '{expression}=…'")),
            ..Place::default()
        };
        let message = format!("no template has such an expression, so it has no effect{hint}");
        warnings.push((place, message));
    }
    for (place, message) in warnings {
        findings.warn(place, Rule::Variable, message);
    }
}

/// Whether a template has an expression that can be given a value.
fn is_of(template: &Template, expression: &str) -> bool {
    if reference::is_pseudo(expression) || template.member("Parameters", expression).is_some() {
        return true;
    }
    let text = &template.origin.source.text;
    if let Some(name) = import::imported(expression) {
        return text.contains(name);
    }
    if expression.starts_with("{{resolve:") {
        return text.contains(expression);
    }
    let logical = expression.split('.').next().unwrap_or_default();
    match template.member("Resources", logical) {
        None => false,
        // What follows from the template itself is not asked for.
        Some(member) => Resource::of(member).is_none_or(|resource| {
            !resource.is_named() && resource.name_expression() == expression
                || expression.strip_prefix(logical) == Some(".Uid")
        }),
    }
}
