//! Changes of a text as places and what comes there; all that no change names stays as it is.

use std::ops::Range;

/// Changes that do not overlap.
#[derive(Debug, Default)]
pub(crate) struct Edits(Vec<(Range<usize>, String)>);

impl Edits {
    pub(crate) fn replace(&mut self, place: Range<usize>, text: impl Into<String>) {
        self.0.push((place, text.into()));
    }

    pub(crate) fn remove(&mut self, place: Range<usize>) {
        self.replace(place, "");
    }

    pub(crate) fn insert(&mut self, at: usize, text: impl Into<String>) {
        self.replace(at..at, text);
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text with all changes. Of two that overlap, the one that begins first stays: it took what the other would change.
    pub(crate) fn apply(mut self, text: &str) -> String {
        self.0.sort_by_key(|(place, _)| (place.start, place.end));
        let mut out = String::with_capacity(text.len() + 256 * self.0.len());
        let mut done = 0;
        for (place, new) in &self.0 {
            if place.start < done {
                continue;
            }
            out.push_str(&text[done..place.start]);
            out.push_str(new);
            done = place.end;
        }
        out.push_str(&text[done..]);
        out
    }
}

/// As the text of an element or an attribute, in the way that JMeter writes it.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            '\r' => out.push_str("&#xd;"),
            '\0' => out.push_str("&#x0;"),
            _ => out.push(c),
        }
    }
    out
}
