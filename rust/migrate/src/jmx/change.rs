//! Changes of a plan's elements: another class and other properties, an element taken out or put in, a value replaced. What they do not
//! name keeps its bytes.

use super::edit::{Edits, escaped};
use super::plan::{ItemId, Plan};
use super::tree::NodeId;
use std::fmt::Write;
use std::ops::Range;

/// An element as it is to be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct NewElement {
    /// Full name of the class.
    pub(crate) class: String,
    /// Full name of its panel.
    pub(crate) gui: String,
    /// Names and values, in the order of the file.
    pub(crate) properties: Vec<(&'static str, String)>,
    /// A property that is a list, with its one text.
    pub(crate) list: Option<(&'static str, String)>,
}

impl NewElement {
    pub(crate) fn new(class: &str, gui: &str) -> Self {
        Self {
            class: class.to_owned(),
            gui: gui.to_owned(),
            properties: Vec::new(),
            list: None,
        }
    }

    pub(crate) fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.properties.push((key, value.into()));
        self
    }
}

/// The changes of one plan.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    plan: &'a Plan,
    edits: Edits,
}

impl<'a> Change<'a> {
    pub(crate) fn of(plan: &'a Plan) -> Self {
        Self {
            plan,
            edits: Edits::default(),
        }
    }

    /// The file with all changes; none when there is no change.
    pub(crate) fn done(self) -> Option<Vec<u8>> {
        if self.edits.is_empty() {
            return None;
        }
        let text = self.edits.apply(self.plan.text());
        Some(self.plan.write(&text))
    }

    /// Makes another element of it: its name, whether it is enabled, its comment and whatever else it has stay; the properties that
    /// are named go, and the new ones come first.
    pub(crate) fn convert(&mut self, item: ItemId, new: &NewElement, gone: &[&str]) {
        let (xml, node) = (self.plan.xml(), self.plan.node(item));
        self.retag(node, new);
        for child in xml.children(node) {
            let name = xml.attribute(child, "name").unwrap_or_default();
            let replaced = new.properties.iter().any(|(key, _)| *key == name);
            if replaced || gone.contains(&name.as_str()) {
                let whole = xml.node(child).whole();
                self.take_out(whole);
            }
        }
        let first = xml.children(node).next();
        let place = xml.node(node).open.clone();
        let before = first
            .map(|first| self.plan.line_before(xml.node(first).open.start))
            .map_or_else(|| self.deeper(place.start), str::to_owned);
        let mut text = String::new();
        for (key, value) in &new.properties {
            let value = self.fitting(value);
            write!(text, "{before}<stringProp name=\"{key}\">{value}</stringProp>")
                .expect("a String takes all");
        }
        if xml.node(node).close.is_none() {
            let end = self.plan.line_before(place.start);
            let class = &new.class;
            let slash = place.end - 2;
            self.edits
                .replace(slash..place.end, format!(">{text}{end}</{class}>"));
        } else {
            self.edits.insert(place.end, text);
        }
    }

    /// Makes another element of it that has all properties of the old one.
    pub(crate) fn rename(&mut self, item: ItemId, new: &NewElement) {
        self.retag(self.plan.node(item), new);
    }

    fn retag(&mut self, node: NodeId, new: &NewElement) {
        let xml = self.plan.xml();
        let name = xml.name_place(node);
        let mut missing = String::new();
        for (key, value) in [("guiclass", &new.gui), ("testclass", &new.class)] {
            match xml.attribute_place(node, key) {
                Some(place) => self.edits.replace(place, value.as_str()),
                None => write!(missing, " {key}=\"{value}\"").expect("a String takes all"),
            }
        }
        self.edits.replace(name, format!("{}{missing}", new.class));
        if let Some(close) = &xml.node(node).close {
            self.edits.replace(close.clone(), format!("</{}>", new.class));
        }
    }

    /// Replaces a property's value, whatever it was written as.
    pub(crate) fn set_value(&mut self, property: NodeId, value: &str) {
        let inner = self.plan.xml().node(property).inner();
        let value = self.fitting(value);
        self.edits.replace(inner, value);
    }

    /// Takes an element out, with all that is below it.
    pub(crate) fn remove(&mut self, item: ItemId) {
        let place = self.plan.place(item);
        self.take_out(place);
    }

    /// Takes an XML element out.
    pub(crate) fn remove_node(&mut self, node: NodeId) {
        let place = self.plan.xml().node(node).whole();
        self.take_out(place);
    }

    /// Takes an element out, and leaves what is below it in its place.
    pub(crate) fn unwrap(&mut self, item: ItemId) {
        let whole = self.plan.xml().node(self.plan.node(item)).whole();
        let Some(tree) = self.plan.below(item).map(|tree| self.plan.xml().node(tree)) else {
            self.take_out(whole);
            return;
        };
        self.take_out(whole.start..tree.open.end);
        if let Some(close) = tree.close.clone() {
            self.take_out(close);
        }
    }

    /// Puts a new element below one, before all that is there.
    pub(crate) fn insert_below(&mut self, item: ItemId, name: &str, new: &NewElement) {
        let place = self.plan.place(item);
        let line = self.line(place.start);
        let deeper = format!("{line}  ");
        let text = self.written(name, new, &deeper);
        let tree = self.plan.below(item).map(|tree| self.plan.xml().node(tree));
        match tree {
            Some(tree) if tree.close.is_some() => {
                let at = tree.open.end;
                self.edits
                    .insert(at, format!("{deeper}{text}{deeper}<hashTree/>"));
            }
            Some(tree) => {
                let whole = format!("<hashTree>{deeper}{text}{deeper}<hashTree/>{line}</hashTree>");
                self.edits.replace(tree.open.clone(), whole);
            }
            None => {
                let whole = format!("{line}<hashTree>{deeper}{text}{deeper}<hashTree/>{line}</hashTree>");
                self.edits.insert(place.end, whole);
            }
        }
    }

    /// Puts a new element behind one and all that is below it.
    pub(crate) fn insert_behind(&mut self, item: ItemId, name: &str, new: &NewElement) {
        let place = self.plan.place(item);
        let line = self.line(place.start);
        let text = self.written(name, new, &line);
        self.edits
            .insert(place.end, format!("{line}{text}{line}<hashTree/>"));
    }

    /// The same with new elements below the new one.
    pub(crate) fn insert_all_behind(
        &mut self,
        item: ItemId,
        new: (&str, &NewElement),
        below: &[(&str, &NewElement)],
    ) {
        let place = self.plan.place(item);
        let line = self.line(place.start);
        let deeper = format!("{line}  ");
        let text = self.written(new.0, new.1, &line);
        let mut inner = String::new();
        for (name, element) in below {
            let element = self.written(name, element, &deeper);
            write!(inner, "{deeper}{element}{deeper}<hashTree/>").expect("a String takes all");
        }
        let tree = format!("<hashTree>{inner}{line}</hashTree>");
        self.edits.insert(place.end, format!("{line}{text}{line}{tree}"));
    }

    /// Puts an element with all that is below it into a new controller; its lines keep their indentation.
    pub(crate) fn wrap(&mut self, item: ItemId, name: &str, new: &NewElement) {
        let place = self.plan.place(item);
        let line = self.line(place.start);
        let text = self.written(name, new, &line);
        self.edits
            .insert(place.start, format!("{text}{line}<hashTree>{line}"));
        self.edits.insert(place.end, format!("{line}</hashTree>"));
    }

    fn written(&self, name: &str, new: &NewElement, before: &str) -> String {
        let NewElement {
            class,
            gui,
            properties,
            list,
        } = new;
        let name = self.fitting(name);
        let mut text = format!("<{class} guiclass=\"{gui}\" testclass=\"{class}\" testname=\"{name}\">");
        for (key, value) in properties {
            let value = self.fitting(value);
            write!(text, "{before}  <stringProp name=\"{key}\">{value}</stringProp>")
                .expect("a String takes all");
        }
        if let Some((key, value)) = list {
            let value = self.fitting(value);
            write!(
                text,
                "{before}  <collectionProp name=\"{key}\">{before}    <stringProp name=\"1\">{value}</stringProp>{before}  </collectionProp>"
            )
            .expect("a String takes all");
        }
        write!(text, "{before}</{class}>").expect("a String takes all");
        text
    }

    fn take_out(&mut self, place: Range<usize>) {
        let blank = self.plan.line_before(place.start).len();
        self.edits.remove(place.start - blank..place.end);
    }

    /// The begin of a line as deep as this place.
    fn line(&self, place: usize) -> String {
        let before = self.plan.line_before(place);
        if before.is_empty() {
            self.plan.line_end().to_owned()
        } else {
            before.to_owned()
        }
    }

    fn deeper(&self, place: usize) -> String {
        format!("{}  ", self.line(place))
    }

    fn fitting(&self, value: &str) -> String {
        let value = escaped(value);
        let value = if self.plan.line_end() == "\n" {
            value
        } else {
            value.replace('\n', self.plan.line_end())
        };
        self.plan.fitting(&value)
    }
}
