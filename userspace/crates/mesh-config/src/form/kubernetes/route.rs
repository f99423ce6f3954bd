//! The routes inside a virtual router, each of which is a document.

use smol_str::SmolStr;

use super::{
    Reader,
    object::Object,
    shape::{Shaped, Shaper, document},
};
use crate::{
    document::Kind,
    problem::path::FieldPath,
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
        for (index, route) in routes.into_iter().enumerate() {
            let shaped = self.route(route, at.clone().item(index), object);
            object.documents.extend(shaped);
        }
    }

    fn route(&mut self, mut route: Node, at: FieldPath, object: &Object) -> Option<Shaped> {
        let line = route.line;
        self.scribe.members(&route, &at)?;
        let members = route.as_map_mut()?;
        let router = std::mem::replace(&mut self.scribe.label, Kind::Route.label().to_owned());
        let given = self.scribe.required_text(members, "name", line, &at);
        let name = Member {
            name: SmolStr::default(),
            written: Some(Box::new(FieldPath::default().member("name"))),
            node: match (members.remove("name"), &given) {
                (Some(member), Some(_)) => member.node,
                _ => Node::new(Value::Open(SmolStr::default()), line),
            },
        };
        if let Some(name) = &given {
            self.scribe.label = format!("{} {name}", Kind::Route.label());
        }
        let mut shaper = Shaper {
            scribe: &mut self.scribe,
            kind: Kind::Route,
            namespace: self.key.namespace.clone(),
            base: at.clone(),
            references: Vec::new(),
        };
        shaper.shape(&mut route);
        let references = shaper.references;
        self.scribe.label = router;
        Some(Shaped {
            kind: Kind::Route,
            tree: document(object, Kind::Route, name, route, line),
            root: at,
            references,
        })
    }
}
