//! A graph as text for Graphviz and for Mermaid.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use super::{Graph, Thing};
use crate::document::{Identity, Kind};

/// `digraph { … }`
pub(super) struct Dot<'a>(pub(super) &'a Graph);

/// `flowchart LR …`
pub(super) struct Mermaid<'a>(pub(super) &'a Graph);

impl fmt::Display for Dot<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = self.0;
        let ids = ids(graph);
        writeln!(f, "digraph meshes {{")?;
        writeln!(f, "  rankdir=LR;")?;
        writeln!(f, "  node [fontname=\"sans-serif\"];")?;
        for (index, (mesh, things)) in by_mesh(graph).into_iter().enumerate() {
            writeln!(f, "  subgraph cluster_{index} {{")?;
            writeln!(f, "    label=\"{}\";", dot_text(&format!("mesh {mesh}")))?;
            for (identity, thing) in things {
                let shape = match identity.kind {
                    Kind::VirtualGateway => "hexagon",
                    Kind::VirtualService => "ellipse",
                    Kind::VirtualRouter => "diamond",
                    Kind::GatewayRoute | Kind::Route => "box",
                    Kind::VirtualNode | Kind::Mesh => "box3d",
                };
                let missing = if thing.missing {
                    ", style=dashed, color=red, fontcolor=red"
                } else {
                    ""
                };
                let lines: Vec<String> =
                    lines(identity, thing).map(|line| dot_text(&line)).collect();
                writeln!(
                    f,
                    "    n{} [label=\"{}\", shape={shape}{missing}];",
                    ids[identity],
                    lines.join("\\n")
                )?;
            }
            writeln!(f, "  }}")?;
        }
        for way in &graph.ways {
            let label = way
                .label
                .as_ref()
                .map(|it| format!("label=\"{}\"", dot_text(it)));
            let style = way.is_backend.then(|| "style=dashed".to_owned());
            let attributes: Vec<String> = label.into_iter().chain(style).collect();
            let attributes = match &attributes[..] {
                [] => String::new(),
                given => format!(" [{}]", given.join(", ")),
            };
            writeln!(f, "  n{} -> n{}{attributes};", ids[&way.from], ids[&way.to])?;
        }
        writeln!(f, "}}")
    }
}

impl fmt::Display for Mermaid<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let graph = self.0;
        let ids = ids(graph);
        writeln!(f, "flowchart LR")?;
        for (index, (mesh, things)) in by_mesh(graph).into_iter().enumerate() {
            let label = mermaid_text(&format!("mesh {mesh}"));
            writeln!(f, "  subgraph m{index}[\"{label}\"]")?;
            for (identity, thing) in things {
                let (open, close) = match identity.kind {
                    Kind::VirtualGateway => ("{{", "}}"),
                    Kind::VirtualService => ("([", "])"),
                    Kind::VirtualRouter => ("{", "}"),
                    Kind::GatewayRoute | Kind::Route => ("[", "]"),
                    Kind::VirtualNode | Kind::Mesh => ("(", ")"),
                };
                let missing = if thing.missing { ":::missing" } else { "" };
                let lines: Vec<String> = lines(identity, thing)
                    .map(|line| mermaid_text(&line))
                    .collect();
                let id = ids[identity];
                writeln!(
                    f,
                    "    n{id}{open}\"{}\"{close}{missing}",
                    lines.join("<br/>")
                )?;
            }
            writeln!(f, "  end")?;
        }
        for way in &graph.ways {
            let arrow = if way.is_backend { "-.->" } else { "-->" };
            let label = way.label.as_ref();
            let label = label.map_or_else(String::new, |it| format!("|\"{}\"|", mermaid_text(it)));
            writeln!(f, "  n{} {arrow}{label} n{}", ids[&way.from], ids[&way.to])?;
        }
        if graph.things.values().any(|thing| thing.missing) {
            writeln!(
                f,
                "  classDef missing stroke:red,color:red,stroke-dasharray:5 5"
            )?;
        }
        Ok(())
    }
}

type Things<'a> = Vec<(&'a Identity, &'a Thing)>;

/// The resources of each mesh, in the order of their names.
fn by_mesh(graph: &Graph) -> Vec<(&str, Things<'_>)> {
    let mut meshes: BTreeMap<&str, Things<'_>> = BTreeMap::new();
    for (identity, thing) in &graph.things {
        meshes
            .entry(&identity.mesh)
            .or_default()
            .push((identity, thing));
    }
    meshes.into_iter().collect()
}

/// Numbers in the place of names, which may hold any character.
fn ids(graph: &Graph) -> HashMap<&Identity, usize> {
    let things = graph.things.keys();
    things.enumerate().map(|(id, thing)| (thing, id)).collect()
}

/// What a box says, line by line.
fn lines(identity: &Identity, thing: &Thing) -> impl Iterator<Item = String> {
    let missing = if thing.missing { " (missing)" } else { "" };
    [
        format!("{}{missing}", identity.kind.label()),
        thing.name.clone(),
    ]
    .into_iter()
    .chain(thing.details.clone())
}

/// Text between quotation marks of Graphviz, where a backslash begins an escape.
fn dot_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\\' => {
                escaped.push('\\');
                escaped.push(character);
            }
            // Graphviz reads entities of HTML in a label.
            '&' => escaped.push_str("&amp;"),
            other if other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// Text between quotation marks of Mermaid, which has entities by number and no escape.
fn mermaid_text(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        let plain = character.is_alphanumeric() || " .,-_/:=".contains(character);
        if plain {
            escaped.push(character);
        } else if character.is_control() {
            escaped.push(' ');
        } else {
            escaped.push('#');
            escaped.push_str(&u32::from(character).to_string());
            escaped.push(';');
        }
    }
    escaped
}
