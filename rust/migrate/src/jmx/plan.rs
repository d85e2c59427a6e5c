//! A test plan: its elements, each with its properties and its place in the plan's tree. Reads; changes are made by [`Change`].
//!
//! [`Change`]: super::Change

use super::charset::Charset;
use super::tree::{NodeId, Tree};
use super::{LARGEST, Refusal};
use std::ops::Range;

pub(crate) type ItemId = usize;

/// The format of all plans since JMeter 2.1, by the attribute of their root.
const FORMAT: &str = "1.2";

/// An element of the plan, with the `hashTree` that holds what is below it.
#[derive(Debug)]
struct Item {
    node: NodeId,
    tree: Option<NodeId>,
    parent: Option<ItemId>,
    disabled: bool,
    /// Neither it nor anything above is disabled.
    runs: bool,
}

/// A property of an element.
#[derive(Debug, Clone)]
pub(crate) struct Property {
    pub(crate) node: NodeId,
    pub(crate) value: String,
}

#[derive(Debug)]
pub(crate) struct Plan {
    charset: Charset,
    tree: Tree,
    items: Vec<Item>,
    line_end: &'static str,
}

impl Plan {
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        if bytes.len() > LARGEST {
            return Err(Refusal::TooLarge(bytes.len()));
        }
        let (charset, text) = Charset::read(bytes)?;
        let tree = Tree::read(text)?;
        if tree.name(0) != "jmeterTestPlan" {
            return Err(Refusal::NoPlan(tree.name(0).to_owned()));
        }
        let format = tree.attribute(0, "version").unwrap_or_default();
        if format != FORMAT {
            return Err(Refusal::Format(format));
        }
        let items = items(&tree);
        let line_end = if tree.text.contains("\r\n") { "\r\n" } else { "\n" };
        Ok(Self {
            charset,
            tree,
            items,
            line_end,
        })
    }

    /// The file's bytes with another text.
    pub(crate) fn write(&self, text: &str) -> Vec<u8> {
        self.charset
            .write(text)
            .expect("a text of this charset, and what is new fits it")
    }

    pub(crate) fn fitting(&self, text: &str) -> String {
        self.charset.fitting(text)
    }

    pub(crate) fn text(&self) -> &str {
        &self.tree.text
    }

    pub(crate) fn xml(&self) -> &Tree {
        &self.tree
    }

    pub(crate) fn items(&self) -> Range<ItemId> {
        0..self.items.len()
    }

    pub(crate) fn node(&self, item: ItemId) -> NodeId {
        self.items[item].node
    }

    /// The `hashTree` of what is below.
    pub(crate) fn below(&self, item: ItemId) -> Option<NodeId> {
        self.items[item].tree
    }

    pub(crate) fn parent(&self, item: ItemId) -> Option<ItemId> {
        self.items[item].parent
    }

    /// The element's class as JMeter finds it: the tag's name.
    pub(crate) fn class(&self, item: ItemId) -> &str {
        self.tree.name(self.items[item].node)
    }

    pub(crate) fn name(&self, item: ItemId) -> String {
        self.tree
            .attribute(self.items[item].node, "testname")
            .unwrap_or_default()
    }

    pub(crate) fn line(&self, item: ItemId) -> usize {
        self.tree.line(self.tree.node(self.items[item].node).open.start)
    }

    /// Whether it takes part in a run: neither it nor anything above is disabled.
    pub(crate) fn runs(&self, item: ItemId) -> bool {
        self.items[item].runs
    }

    fn is_disabled(&self, item: ItemId) -> bool {
        self.items[item].disabled
    }

    /// What it is in, from the nearest on.
    pub(crate) fn above(&self, item: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        std::iter::successors(self.parent(item), |above| self.parent(*above))
    }

    /// Whether a configuration element, a timer, an assertion counts for a sampler: it stands below it, or beside it, or beside
    /// something that the sampler is in; and it is not disabled where the sampler runs.
    pub(crate) fn counts_for(&self, config: ItemId, sampler: ItemId) -> bool {
        let place = self.parent(config);
        let in_scope = place == Some(sampler)
            || place.is_none()
            || self.above(sampler).any(|above| place == Some(above));
        in_scope && !self.is_disabled(config) && (self.runs(config) || !self.runs(sampler))
    }

    /// The texts of its properties, at any depth: each with the name of the property.
    pub(crate) fn texts(&self, item: ItemId) -> impl Iterator<Item = (String, Property)> + '_ {
        self.tree.leaves(self.items[item].node).map(|node| {
            let name = self.tree.attribute(node, "name").unwrap_or_default();
            let value = self.tree.value(node);
            (name, Property { node, value })
        })
    }

    pub(crate) fn children(&self, item: ItemId) -> impl Iterator<Item = ItemId> + '_ {
        self.inside(item)
            .filter(move |one| self.parent(*one) == Some(item))
    }

    /// All that is in it, at any depth, in the order of the file.
    pub(crate) fn inside(&self, item: ItemId) -> Range<ItemId> {
        let end = self.place(item).end;
        let rest = &self.items[item + 1..];
        let count = rest.partition_point(|other| self.tree.node(other.node).open.start < end);
        item + 1..item + 1 + count
    }

    /// From its start tag to the end of its `hashTree`.
    pub(crate) fn place(&self, item: ItemId) -> Range<usize> {
        let own = self.tree.node(self.items[item].node).whole();
        let end = self.items[item]
            .tree
            .map_or(own.end, |tree| self.tree.node(tree).whole().end);
        own.start..end
    }

    /// Its property of this name, if it is there.
    pub(crate) fn property(&self, item: ItemId, key: &str) -> Option<Property> {
        let node = self.property_node(item, key)?;
        Some(Property {
            node,
            value: self.tree.value(node),
        })
    }

    /// The value of its property, else what counts where it is absent.
    pub(crate) fn value_or(&self, item: ItemId, key: &str, absent: &str) -> String {
        self.property(item, key)
            .map_or_else(|| absent.to_owned(), |property| property.value)
    }

    pub(crate) fn property_node(&self, item: ItemId, key: &str) -> Option<NodeId> {
        let mut all = self.tree.children(self.items[item].node);
        all.find(|child| {
            self.tree
                .attribute(*child, "name")
                .is_some_and(|name| name == key)
        })
    }

    /// What the file puts between two lines of the same depth as this place: a line end and blanks.
    pub(crate) fn line_before(&self, place: usize) -> &str {
        let before = &self.tree.text[..place];
        let blank = before.trim_end_matches([' ', '\t']).len();
        let end = match &before[..blank] {
            line if line.ends_with("\r\n") => blank - 2,
            line if line.ends_with('\n') => blank - 1,
            _ => return "",
        };
        &before[end..]
    }

    /// The file's line end.
    pub(crate) fn line_end(&self) -> &'static str {
        self.line_end
    }
}

/// A `hashTree` that is gone through.
struct Level {
    /// What is still to come, the next one last.
    rest: Vec<NodeId>,
    owner: Option<ItemId>,
    /// The element that a tree here belongs to.
    last: Option<ItemId>,
}

impl Level {
    fn of(tree: &Tree, node: NodeId, owner: Option<ItemId>) -> Self {
        let mut rest: Vec<NodeId> = tree.children(node).collect();
        rest.reverse();
        Self {
            rest,
            owner,
            last: None,
        }
    }
}

/// The elements in the trees, in the order of the file.
fn items(tree: &Tree) -> Vec<Item> {
    let mut items: Vec<Item> = Vec::new();
    let mut levels = vec![Level::of(tree, 0, None)];
    while let Some(level) = levels.last_mut() {
        let Some(node) = level.rest.pop() else {
            levels.pop();
            continue;
        };
        if tree.name(node) == "hashTree" {
            // A tree belongs to the element before it; the plan's own, at the root, has none before it.
            let owner = level.last.take();
            if let Some(owner) = owner {
                items[owner].tree = Some(node);
            }
            let owner = owner.or(level.owner);
            levels.push(Level::of(tree, node, owner));
        } else {
            level.last = Some(items.len());
            let disabled = tree
                .attribute(node, "enabled")
                .is_some_and(|enabled| enabled == "false");
            items.push(Item {
                node,
                tree: None,
                parent: level.owner,
                disabled,
                runs: !disabled && level.owner.is_none_or(|owner| items[owner].runs),
            });
        }
    }
    items
}
