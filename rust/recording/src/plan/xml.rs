//! The parts that every plan is made of: trees, elements, properties.

use crate::words::is_foreign;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use std::fmt::Write as _;

/// A name is no longer.
const LONGEST_NAME: usize = 120;

/// A plan while it is written.
pub(super) struct Plan(Writer<Vec<u8>>);

impl Plan {
    pub(super) fn new() -> Self {
        let mut plan = Plan(Writer::new_with_indent(Vec::new(), b' ', 2));
        plan.event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)));
        plan
    }

    /// The whole of it as text.
    pub(super) fn text(self) -> String {
        String::from_utf8(self.0.into_inner()).unwrap_or_default() + "\n"
    }

    fn event(&mut self, event: Event<'_>) {
        // A vector takes all.
        let _ = self.0.write_event(event);
    }

    pub(super) fn inside(&mut self, tag: &str, attributes: &[(&str, &str)], content: impl FnOnce(&mut Self)) {
        let mut start = BytesStart::new(tag);
        attributes
            .iter()
            .for_each(|attribute| start.push_attribute(*attribute));
        self.event(Event::Start(start));
        content(self);
        self.event(Event::End(BytesEnd::new(tag)));
    }

    pub(super) fn tree(&mut self, content: impl FnOnce(&mut Self)) {
        self.inside("hashTree", &[], content);
    }

    pub(super) fn leaf(&mut self) {
        self.event(Event::Empty(BytesStart::new("hashTree")));
    }

    pub(super) fn element(
        &mut self,
        tag: &str,
        gui: &str,
        class: &str,
        name: &str,
        content: impl FnOnce(&mut Self),
    ) {
        let name = &short(name, LONGEST_NAME);
        let attributes = [
            ("guiclass", gui),
            ("testclass", class),
            ("testname", name),
            ("enabled", "true"),
        ];
        self.inside(tag, &attributes, content);
    }

    /// One of ours.
    pub(super) fn ours(&mut self, package: &str, kind: &str, name: &str, content: impl FnOnce(&mut Self)) {
        let class = format!("io.github.wsbackoff.{package}.{kind}");
        let gui = format!("io.github.wsbackoff.gui.{kind}Gui");
        self.element(&class, &gui, &class, name, content);
    }

    pub(super) fn property(&mut self, tag: &str, name: &str, value: &str) {
        let mut start = BytesStart::new(tag);
        start.push_attribute(("name", name));
        self.event(Event::Start(start));
        // Words write it by a function; what is left is no text of a person.
        let value = value.replace(is_foreign, "");
        // A carriage return would come back as a line feed.
        let mut parts = value.split('\r');
        if let Some(first) = parts.next() {
            self.event(Event::Text(BytesText::new(first)));
        }
        for part in parts {
            self.event(Event::Text(BytesText::from_escaped("&#13;")));
            self.event(Event::Text(BytesText::new(part)));
        }
        self.event(Event::End(BytesEnd::new(tag)));
    }

    pub(super) fn string(&mut self, name: &str, value: &str) {
        self.property("stringProp", name, value);
    }

    pub(super) fn argument(&mut self, name: &str, value: &str) {
        self.inside(
            "elementProp",
            &[("name", name), ("elementType", "Argument")],
            |plan| {
                plan.string("Argument.name", name);
                plan.string("Argument.value", value);
                plan.string("Argument.metadata", "=");
            },
        );
    }
}

/// As a name: JMeter reads functions in none, and XML holds no control characters.
pub(super) fn short(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for c in text.chars().take(most) {
        match c {
            c if c.is_control() || is_foreign(c) => shown.push(' '),
            '$' => shown.push('_'),
            c => shown.push(c),
        }
    }
    if text.chars().nth(most).is_some() {
        let _ = write!(shown, "...");
    }
    shown
}
