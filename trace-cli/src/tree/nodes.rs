//! Which item is inside which.

use std::collections::HashMap;
use trace_core::model::{Decision, Observation, Stage, Timestamp, Trace};

/// What a node shows.
#[derive(Clone, Copy, Debug)]
pub(super) enum Item<'a> {
    Stage(&'a str, &'a Stage),
    Call(&'a Observation),
    Decision(&'a Decision),
}

impl Item<'_> {
    fn began(&self) -> Option<Timestamp> {
        match self {
            Self::Stage(_, stage) => stage.started_at,
            Self::Call(call) => call.started_at,
            Self::Decision(decision) => decision.timestamp,
        }
    }
}

/// The items of a trace as one tree.
#[derive(Debug)]
pub(super) struct Tree<'a> {
    nodes: Vec<Node<'a>>,
}

#[derive(Debug)]
struct Node<'a> {
    item: Option<Item<'a>>,
    children: Vec<usize>,
}

impl<'a> Tree<'a> {
    /// The trace itself.
    pub(super) const ROOT: usize = 0;

    pub(super) fn of(trace: &'a Trace) -> Self {
        let mut tree = Self { nodes: vec![Node { item: None, children: Vec::new() }] };
        let mut places: HashMap<&str, usize> = HashMap::new();
        // What contains something stands before it in a document. A parent that does not is none: so there are no circles.
        for (name, stage) in &trace.stages {
            let parent = stage.parent_id.as_deref().and_then(|id| places.get(id)).copied().unwrap_or(Self::ROOT);
            let place = tree.add(parent, Item::Stage(name, stage));
            note(&mut places, &stage.id, place);
            for call in &stage.observations {
                let parent = call.parent_id.as_deref().and_then(|id| places.get(id)).copied().unwrap_or(place);
                let call_place = tree.add(parent, Item::Call(call));
                note(&mut places, &call.id, call_place);
            }
            for decision in &stage.decisions {
                let parent = decision.observation_id.as_deref().and_then(|id| places.get(id)).copied().unwrap_or(place);
                tree.add(parent, Item::Decision(decision));
            }
        }
        tree.sort();
        tree
    }

    pub(super) fn item(&self, node: usize) -> Option<Item<'a>> {
        self.nodes[node].item
    }

    pub(super) fn children(&self, node: usize) -> &[usize] {
        &self.nodes[node].children
    }

    fn add(&mut self, parent: usize, item: Item<'a>) -> usize {
        let place = self.nodes.len();
        self.nodes.push(Node { item: Some(item), children: Vec::new() });
        self.nodes[parent].children.push(place);
        place
    }

    /// By time; what has none stays behind what it followed.
    fn sort(&mut self) {
        let began: Vec<Option<Timestamp>> =
            self.nodes.iter().map(|node| node.item.and_then(|item| item.began())).collect();
        for node in &mut self.nodes {
            let mut latest = None;
            let mut keyed: Vec<(Option<Timestamp>, usize)> = Vec::with_capacity(node.children.len());
            for child in &node.children {
                latest = began[*child].or(latest);
                keyed.push((latest, *child));
            }
            keyed.sort_by_key(|(moment, _)| *moment);
            node.children = keyed.into_iter().map(|(_, child)| child).collect();
        }
    }
}

fn note<'a>(places: &mut HashMap<&'a str, usize>, id: &'a str, place: usize) {
    if !id.is_empty() {
        places.entry(id).or_insert(place);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(id: &str, parent: Option<&str>, at: &str) -> Observation {
        Observation {
            id: id.into(),
            name: id.into(),
            parent_id: parent.map(str::to_owned),
            started_at: at.parse().ok(),
            ..Observation::default()
        }
    }

    /// The names of a tree, indented.
    fn drawn(trace: &Trace) -> String {
        let tree = Tree::of(trace);
        let mut text = String::new();
        let mut stack = vec![(Tree::ROOT, 0)];
        while let Some((node, depth)) = stack.pop() {
            let name = match tree.item(node) {
                None => "",
                Some(Item::Stage(name, _)) => name,
                Some(Item::Call(call)) => &call.name,
                Some(Item::Decision(decision)) => &decision.what,
            };
            text += &format!("{}{name} ", "-".repeat(depth));
            stack.extend(tree.children(node).iter().rev().map(|child| (*child, depth + 1)));
        }
        text.trim().to_owned()
    }

    #[test]
    fn what_is_inside_what_comes_from_the_parents_and_order_from_the_times() {
        let mut trace = Trace::default();
        let decision = Decision { what: "d".into(), observation_id: Some("b".into()), ..Decision::default() };
        let observations = vec![
            call("a", Some("s"), "2026-01-01T00:00:05Z"),
            call("b", Some("a"), "2026-01-01T00:00:07Z"),
            call("c", Some("s"), "2026-01-01T00:00:01Z"),
        ];
        let first = Stage { id: "s".into(), observations, decisions: vec![decision], ..Stage::default() };
        let inner = Stage { id: "t".into(), parent_id: Some("b".into()), ..Stage::default() };
        trace.stages.insert("first".into(), first);
        trace.stages.insert("inner".into(), inner);
        assert_eq!(drawn(&trace), "-first --c --a ---b ----d ----inner");
    }

    #[test]
    fn circles_and_lost_parents_stay_in_their_stage() {
        let mut trace = Trace::default();
        let observations =
            vec![call("a", Some("b"), ""), call("b", Some("a"), ""), call("c", Some("gone"), ""), call("a", None, "")];
        trace.stages.insert(
            "s".into(),
            Stage { id: "s".into(), parent_id: Some("s".into()), observations, ..Stage::default() },
        );
        assert_eq!(drawn(&trace), "-s --a ---b --c --a");
    }

    #[test]
    fn a_chain_of_thirty_thousand_is_no_burden() {
        let observations = (0..30_000)
            .map(|n: u32| call(&n.to_string(), n.checked_sub(1).map(|n| n.to_string()).as_deref(), ""))
            .collect();
        let mut trace = Trace::default();
        trace.stages.insert("s".into(), Stage { observations, ..Stage::default() });
        let tree = Tree::of(&trace);
        assert_eq!(tree.nodes.len(), 30_002);
    }
}
