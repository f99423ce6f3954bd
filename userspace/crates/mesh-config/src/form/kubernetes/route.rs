//! The routes inside a virtual router, each of which is a document.

use std::collections::HashMap;

use smol_str::SmolStr;

use super::{
    object::Object,
    reader::Reader,
    reference::unnamed,
    shape::{Shaped, Shaper, document},
};
use crate::{
    document::Kind,
    problem::{Rule, path::FieldPath},
    tree::{Member, Node, Value},
};

impl Reader<'_> {
    /// Makes a document of each item of `routes`.
    pub(super) fn take_routes(&mut self, routes: Option<Member>, object: &mut Object) {
        let at = FieldPath::spec().member("routes");
        let routes = routes.map(|member| member.node);
        self.scribe.items(routes.as_ref(), &at);
        let Some(Value::List(routes)) = routes.map(|node| node.value) else {
            return;
        };
        let mut lines: HashMap<SmolStr, u32> = HashMap::with_capacity(routes.len());
        let own_label = self.scribe.label.clone();
        for (index, route) in routes.into_iter().enumerate() {
            Kind::Route.label().clone_into(&mut self.scribe.label);
            let at = at.clone().item(index);
            let line = route.line;
            let Some((name, shaped)) = self.route(route, at.clone(), object) else {
                continue;
            };
            match lines.get(&name) {
                Some(first) if !name.is_empty() => self.scribe.refuse(
                    &at.member("name"),
                    line,
                    Rule::Duplicate,
                    format!("`{name}` is the name of the route in line {first} already"),
                    "give each route of the router a name of its own",
                ),
                _ => {
                    lines.insert(name, line);
                    object.documents.push(shaped);
                }
            }
        }
        self.scribe.label = own_label;
    }

    /// A route and its name, which is empty where it has a fault.
    fn route(
        &mut self,
        mut route: Node,
        at: FieldPath,
        object: &Object,
    ) -> Option<(SmolStr, Shaped)> {
        let line = route.line;
        self.scribe.members(&route, &at)?;
        let members = route.as_map_mut()?;
        let given = self.scribe.required_text(members, "name", line, &at);
        let node = match (members.remove("name"), &given) {
            (Some(member), Some(_)) => member.node,
            _ => unnamed(line),
        };
        let name = Member {
            name: SmolStr::default(),
            written: Some(Box::new(FieldPath::default().member("name"))),
            node,
        };
        if let Some(name) = &given {
            self.scribe.label = format!("{} {name}", Kind::Route.label());
        }
        let key = &self.names.key;
        let references =
            Shaper::new(&mut self.scribe, Kind::Route, key, at.clone()).shape(&mut route);
        let shaped = Shaped {
            kind: Kind::Route,
            tree: document(object, Kind::Route, name, route, line),
            root: at,
            references,
        };
        Some((given.unwrap_or_default(), shaped))
    }
}
