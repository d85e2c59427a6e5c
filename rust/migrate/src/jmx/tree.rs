//! The XML elements of a text, with the places of their tags.

use super::{DEEPEST, MOST_ELEMENTS, Refusal};
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesStart, Event};
use quick_xml::reader::Reader;
use std::borrow::Cow;
use std::ops::Range;

pub(crate) type NodeId = usize;

/// One XML element: places are bytes of the text.
#[derive(Debug)]
pub(crate) struct Node {
    /// The start tag, or the whole of `<a/>`.
    pub(crate) open: Range<usize>,
    /// The end tag; none for `<a/>`.
    pub(crate) close: Option<Range<usize>>,
    first_child: Option<NodeId>,
    next: Option<NodeId>,
}

impl Node {
    /// From the start tag to the end tag.
    pub(crate) fn whole(&self) -> Range<usize> {
        self.open.start..self.close.as_ref().map_or(self.open.end, |close| close.end)
    }

    /// What stands between the tags.
    pub(crate) fn inner(&self) -> Range<usize> {
        self.open.end..self.close.as_ref().map_or(self.open.end, |close| close.start)
    }
}

/// All elements of a text, in the order of their start tags.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) text: String,
    nodes: Vec<Node>,
    lines: Lines,
}

impl Tree {
    pub(crate) fn read(text: String) -> Result<Self, Refusal> {
        let nodes = nodes(&text)?;
        let lines = Lines::of(&text);
        Ok(Self { text, nodes, lines })
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id]
    }

    pub(crate) fn children(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.nodes[id].first_child, |child| self.nodes[*child].next)
    }

    /// The elements inside that hold a text, at any depth, in the order of the file.
    pub(crate) fn leaves(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        let end = self.nodes[id].whole().end;
        let inside = (id..self.nodes.len()).take_while(move |one| self.nodes[*one].open.start < end);
        inside.filter(|one| self.nodes[*one].first_child.is_none())
    }

    /// The place of the element's name in its start tag.
    pub(crate) fn name_place(&self, id: NodeId) -> Range<usize> {
        let open = &self.nodes[id].open;
        let from = open.start + 1;
        let tag = &self.text[from..open.end];
        let length = tag.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>');
        from..from + length.expect("a start tag ends in >")
    }

    pub(crate) fn name(&self, id: NodeId) -> &str {
        &self.text[self.name_place(id)]
    }

    /// The place of an attribute's value, without its quotes.
    pub(crate) fn attribute_place(&self, id: NodeId, key: &str) -> Option<Range<usize>> {
        let open = &self.nodes[id].open;
        let tag = &self.text[open.clone()];
        let end = if tag.ends_with("/>") { 2 } else { 1 };
        let name = self.name_place(id).len();
        let start = BytesStart::from_content(&tag[1..tag.len() - end], name);
        let found = start
            .attributes()
            .flatten()
            .find(|one| one.key.as_ref() == key.as_bytes())?;
        let place = |attribute: &Attribute| match &attribute.value {
            Cow::Borrowed(value) => value.as_ptr() as usize - tag.as_ptr() as usize,
            Cow::Owned(_) => unreachable!("attributes of a borrowed tag are borrowed"),
        };
        let from = open.start + place(&found);
        Some(from..from + found.value.len())
    }

    pub(crate) fn attribute(&self, id: NodeId, key: &str) -> Option<String> {
        self.attribute_place(id, key)
            .map(|place| unescaped(&self.text[place]))
    }

    /// The text inside an element without elements: references resolved, CDATA as it is, comments left out, one kind of line end
    /// (XML 1.0, section 2.11).
    pub(crate) fn value(&self, id: NodeId) -> String {
        let raw = self.text[self.nodes[id].inner()]
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let mut out = String::new();
        let mut rest = raw.as_str();
        while let Some((before, special)) = rest.split_once("<!") {
            out.push_str(&unescaped(before));
            // The whole was read once, so both have their end.
            rest = match special.strip_prefix("[CDATA[") {
                Some(data) => {
                    let (data, behind) = data.split_once("]]>").unwrap_or((data, ""));
                    out.push_str(data);
                    behind
                }
                None => special.split_once("-->").map_or("", |(_, behind)| behind),
            };
        }
        out.push_str(&unescaped(rest));
        out
    }

    /// The line of a place, counted from 1.
    pub(crate) fn line(&self, place: usize) -> usize {
        self.lines.line(&self.text, place)
    }
}

/// How many lines end before each block of a text.
#[derive(Debug)]
struct Lines(Vec<usize>);

const BLOCK: usize = 4_096;

impl Lines {
    fn of(text: &str) -> Self {
        let ended = text.as_bytes().chunks(BLOCK).scan(0, |ended, block| {
            let before = *ended;
            *ended += ends(block);
            Some(before)
        });
        Self(ended.collect())
    }

    fn line(&self, text: &str, place: usize) -> usize {
        let block = place / BLOCK;
        let before = self.0.get(block).copied().unwrap_or_default();
        1 + before + ends(&text.as_bytes()[block * BLOCK..place])
    }
}

fn ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn line(text: &str, place: usize) -> usize {
    1 + ends(&text.as_bytes()[..place.min(text.len())])
}

/// Resolves references; those that XML does not know stay as they are. NUL, which XML forbids, is what JMeter writes for one.
fn unescaped(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for (nth, part) in text.split('&').enumerate() {
        let (reference, rest) = part.split_once(';').unwrap_or(("", part));
        let resolved = match reference {
            "#0" | "#x0" if nth > 0 => Some("\0".into()),
            _ if nth > 0 && !reference.is_empty() => quick_xml::escape::unescape(&text_of(reference))
                .ok()
                .map(Cow::into_owned),
            _ => None,
        };
        match resolved {
            Some(resolved) => {
                out.push_str(&resolved);
                out.push_str(rest);
            }
            None => {
                if nth > 0 {
                    out.push('&');
                }
                out.push_str(part);
            }
        }
    }
    out
}

fn text_of(reference: &str) -> String {
    format!("&{reference};")
}

fn nodes(text: &str) -> Result<Vec<Node>, Refusal> {
    let mut reader = Reader::from_str(text);
    let mut nodes: Vec<Node> = Vec::new();
    // The open elements, each with its last child so far.
    let mut path: Vec<(NodeId, Option<NodeId>)> = Vec::new();
    let mut roots = 0;
    loop {
        let from = position(reader.buffer_position());
        let event = reader.read_event();
        let to = position(reader.buffer_position());
        let line = || line(text, from);
        let wrong = |why: &str| Refusal::Xml {
            line: line(),
            why: why.to_owned(),
        };
        match event {
            Ok(Event::Start(start) | Event::Empty(start)) => {
                if let Some(error) = start.attributes().find_map(Result::err) {
                    return Err(wrong(&error.to_string()));
                }
                let id = nodes.len();
                let empty = text[from..to].ends_with("/>");
                if id == MOST_ELEMENTS || path.len() == DEEPEST {
                    return Err(Refusal::TooMany { line: line() });
                }
                roots += usize::from(path.is_empty());
                add(&mut nodes, from..to, &mut path);
                if !empty {
                    path.push((id, None));
                }
            }
            Ok(Event::End(_)) => {
                let (id, _) = path.pop().ok_or_else(|| wrong("an end tag without its start"))?;
                nodes[id].close = Some(from..to);
            }
            Ok(Event::DocType(_)) => return Err(Refusal::DocType { line: line() }),
            Ok(Event::Text(between)) if path.is_empty() && !between.trim_ascii().is_empty() => {
                return Err(wrong("text outside of the root element"));
            }
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(error) => {
                return Err(Refusal::Xml {
                    line: self::line(text, position(reader.error_position())),
                    why: error.to_string(),
                });
            }
        }
    }
    let why = match (path.last(), roots) {
        (Some((open, _)), _) => format!(
            "the element of line {} has no end",
            line(text, nodes[*open].open.start)
        ),
        (None, 1) => return Ok(nodes),
        (None, 0) => "nothing is in it".to_owned(),
        (None, _) => "several root elements".to_owned(),
    };
    Err(Refusal::Xml {
        line: line(text, text.len()),
        why,
    })
}

/// Adds an element to the last one of the path, which knows its last child.
fn add(nodes: &mut Vec<Node>, open: Range<usize>, path: &mut [(NodeId, Option<NodeId>)]) {
    let id = nodes.len();
    nodes.push(Node {
        open,
        close: None,
        first_child: None,
        next: None,
    });
    if let Some((parent, last)) = path.last_mut() {
        match last.replace(id) {
            Some(before) => nodes[before].next = Some(id),
            None => nodes[*parent].first_child = Some(id),
        }
    }
}

fn position(at: u64) -> usize {
    usize::try_from(at).expect("a place in a text that is in memory")
}
