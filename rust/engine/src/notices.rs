//! What a log is told once a test, however often it happens: the first of each kind at once, all of them counted to its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::locks::lock;

/// Kinds are few: the codes of failures. Whoever makes more of them is not believed.
const KINDS: usize = 64;

/// Texts that wait to be told; more than this nobody reads.
const WAITING: usize = 64;

/// See the file's sentence.
#[derive(Debug, Default)]
pub struct Notices {
    /// Looked at after each operation, so without the lock.
    has_news: AtomicBool,
    book: Mutex<Book>,
}

#[derive(Debug, Default)]
struct Book {
    counts: BTreeMap<String, u64>,
    news: Vec<String>,
}

impl Notices {
    /// Counts one of a kind; the first is told with its detail.
    pub fn count(&self, kind: &str, detail: impl FnOnce() -> String) {
        let mut book = lock(&self.book);
        if let Some(count) = book.counts.get_mut(kind) {
            *count += 1;
        } else if book.counts.len() < KINDS {
            book.counts.insert(kind.to_owned(), 1);
            let first = format!(
                "{kind}: {}; the first in this test, those that follow are counted",
                detail()
            );
            self.put(&mut book, first);
        }
    }

    /// Has something told that does not happen twice.
    pub fn tell(&self, text: String) {
        self.put(&mut lock(&self.book), text);
    }

    fn put(&self, book: &mut Book, text: String) {
        if book.news.len() < WAITING {
            book.news.push(text);
            self.has_news.store(true, Ordering::Release);
        }
    }

    /// Whether there is something to be told.
    pub fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// What is to be told now, a line each; empty where there is nothing.
    pub fn take(&self) -> String {
        if !self.has_news() {
            return String::new();
        }
        let mut book = lock(&self.book);
        self.has_news.store(false, Ordering::Release);
        std::mem::take(&mut book.news).join("\n")
    }

    /// The end of a test: the counts are to be told, and begin anew.
    pub fn end(&self) {
        let mut book = lock(&self.book);
        let counts = std::mem::take(&mut book.counts);
        if counts.is_empty() {
            return;
        }
        let mut text = "in this test: ".to_owned();
        for (index, (kind, count)) in counts.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(text, "{comma}{count} x {kind}").expect("a String takes everything");
        }
        self.put(&mut book, text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_a_kind_is_told_at_once_and_all_at_the_end() {
        let notices = Notices::default();
        assert!(!notices.has_news());
        for number in 0..300 {
            notices.count("tcp.no-files", || format!("number {number}"));
        }
        notices.count("reconnect", || "again".to_owned());
        assert!(notices.has_news());
        assert_eq!(
            notices.take(),
            "tcp.no-files: number 0; the first in this test, those that follow are counted\n\
             reconnect: again; the first in this test, those that follow are counted"
        );
        assert!(!notices.has_news());
        notices.end();
        assert_eq!(notices.take(), "in this test: 1 x reconnect, 300 x tcp.no-files");
        notices.end();
        assert_eq!(notices.take(), "", "a test in which nothing happened");
        notices.count("reconnect", || "in another test".to_owned());
        assert!(notices.take().contains("in another test"));
    }

    #[test]
    fn what_nobody_fetches_does_not_grow() {
        let notices = Notices::default();
        for number in 0..10_000 {
            notices.count(&format!("closed.{number}"), || "x".repeat(100));
            notices.tell(number.to_string());
        }
        assert!(notices.take().len() < 100_000);
    }
}
