//! What a log is told once a test, however often it happens: the first of each kind at once, all of them counted to its end.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use backoff::{Lead, Smell};

use crate::locks::lock;
use crate::signs::Signs;

/// Kinds are few: the codes of failures. Whoever makes more of them is not believed.
const KINDS: usize = 64;

/// Texts that wait to be told; more than this nobody reads.
const WAITING: usize = 64;

/// Something to be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The first of its kind in a test; those that follow are counted.
    First {
        /// A code, or a word for what happened.
        kind: String,
        /// The particulars.
        detail: Detail,
    },
    /// The end of a test: how many there were of each kind.
    Counts(BTreeMap<String, u64>),
    /// Messages that nobody has received fill what all connections may queue together, in bytes: the oldest go.
    QueuesFull {
        /// The bound.
        limit: usize,
    },
    /// Calls of virtual users wait long for a processor once they are done, see [`crate::watching::overload`].
    Overload,
    /// What needs no other word.
    Text(String),
}

/// What is known of something that is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// In words.
    Text(String),
    /// A guess, and what it comes from.
    Smell(Smell, Signs),
    /// Users of one quota wait by what all of them see.
    Flow(Lead),
}

impl From<String> for Detail {
    fn from(text: String) -> Self {
        Detail::Text(text)
    }
}

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
    news: Vec<Notice>,
}

impl Notices {
    /// Counts one of a kind; the first is told with its detail.
    pub fn count<D: Into<Detail>>(&self, kind: &str, detail: impl FnOnce() -> D) {
        let mut book = lock(&self.book);
        if let Some(count) = book.counts.get_mut(kind) {
            *count += 1;
        } else if book.counts.len() < KINDS {
            book.counts.insert(kind.to_owned(), 1);
            let first = Notice::First {
                kind: kind.to_owned(),
                detail: detail().into(),
            };
            self.put(&mut book, first);
        }
    }

    /// Has something told that does not happen twice.
    pub fn tell(&self, notice: Notice) {
        self.put(&mut lock(&self.book), notice);
    }

    fn put(&self, book: &mut Book, notice: Notice) {
        if book.news.len() < WAITING {
            book.news.push(notice);
            self.has_news.store(true, Ordering::Release);
        }
    }

    /// Whether there is something to be told.
    pub fn has_news(&self) -> bool {
        self.has_news.load(Ordering::Acquire)
    }

    /// What is to be told now, in order.
    pub fn take(&self) -> Vec<Notice> {
        if !self.has_news() {
            return Vec::new();
        }
        let mut book = lock(&self.book);
        self.has_news.store(false, Ordering::Release);
        std::mem::take(&mut book.news)
    }

    /// The end of a test: the counts are to be told, and begin anew.
    pub fn end(&self) {
        let mut book = lock(&self.book);
        let counts = std::mem::take(&mut book.counts);
        if !counts.is_empty() {
            self.put(&mut book, Notice::Counts(counts));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(kind: &str, detail: &str) -> Notice {
        Notice::First {
            kind: kind.to_owned(),
            detail: Detail::Text(detail.to_owned()),
        }
    }

    #[test]
    fn the_first_of_a_kind_is_told_at_once_and_all_at_the_end() {
        let notices = Notices::default();
        assert!(!notices.has_news());
        for number in 0..300 {
            notices.count("tcp.no-files", || format!("number {number}"));
        }
        notices.count("reconnect", || "again".to_owned());
        assert!(notices.has_news());
        let told = [first("tcp.no-files", "number 0"), first("reconnect", "again")];
        assert_eq!(notices.take(), told);
        assert!(!notices.has_news());
        notices.end();
        let counts = [("reconnect", 1), ("tcp.no-files", 300)].map(|(kind, count)| (kind.to_owned(), count));
        assert_eq!(notices.take(), [Notice::Counts(counts.into())]);
        notices.end();
        assert_eq!(notices.take(), [], "a test in which nothing happened");
        notices.count("reconnect", || "in another test".to_owned());
        assert_eq!(notices.take(), [first("reconnect", "in another test")]);
    }

    #[test]
    fn what_nobody_fetches_does_not_grow() {
        let notices = Notices::default();
        for number in 0..10_000 {
            notices.count(&format!("closed.{number}"), || "x".repeat(100));
            notices.tell(Notice::Text(number.to_string()));
        }
        assert!(notices.take().len() <= WAITING);
        notices.end();
        assert!(matches!(&notices.take()[..], [Notice::Counts(counts)] if counts.len() == KINDS));
    }
}
