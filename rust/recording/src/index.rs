//! Which texts say which word: most values stand in few of very many messages, and to look for each in each took minutes.

use crate::words::Words;
use std::collections::HashMap;

/// Places of texts by what they say.
#[derive(Debug, Default)]
pub(crate) struct Index(HashMap<String, Vec<usize>>);

impl Index {
    /// Notes what a text says; places come in their order.
    pub(crate) fn add(&mut self, place: usize, text: &Words) {
        for run in text.plains().flat_map(runs) {
            match self.0.get_mut(run) {
                Some(places) if places.last() == Some(&place) => {}
                Some(places) => places.push(place),
                None => _ = self.0.insert(run.to_owned(), vec![place]),
            }
        }
    }

    /// All places that may have the value as a whole, and some more.
    pub(crate) fn places(&self, value: &str) -> &[usize] {
        let longest = runs(value).max_by_key(|run| run.len());
        longest.and_then(|run| self.0.get(run)).map_or(&[], Vec::as_slice)
    }
}

/// Where a value stands as a whole, each of its runs of letters and digits does so, too.
fn runs(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|run| !run.is_empty())
}
