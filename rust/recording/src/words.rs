//! Texts as JMeter reads them: functions and variables in `${...}`, and what XML cannot hold.

/// A text of a recording in which some words stand for variables.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Words(Vec<Word>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Word {
    Plain(String),
    Variable(String),
}

impl Words {
    pub(crate) fn plain(text: &str) -> Self {
        Words(vec![Word::Plain(text.to_owned())])
    }

    pub(crate) fn variable(name: &str) -> Self {
        Words(vec![Word::Variable(name.to_owned())])
    }

    /// With a variable in the place of what it begins with, if it does.
    pub(crate) fn beginning(mut self, value: &str, name: &str) -> Self {
        let rest = match self.0.first() {
            Some(Word::Plain(text)) => text.strip_prefix(value).map(str::to_owned),
            _ => None,
        };
        if let Some(rest) = rest {
            let begin = [Word::Variable(name.to_owned()), Word::Plain(rest)];
            self.0.splice(..1, begin);
        }
        self
    }

    /// Puts the variable in the place of that value, wherever it stands as a whole; whether it does anywhere.
    pub(crate) fn put(&mut self, value: &str, name: &str) -> bool {
        let mut is_found = false;
        let words = std::mem::take(&mut self.0);
        for word in words {
            let Word::Plain(text) = word else {
                self.0.push(word);
                continue;
            };
            let mut from = 0;
            for (at, _) in text.match_indices(value) {
                if at >= from && is_whole(&text, at, value.len()) {
                    self.0.push(Word::Plain(text[from..at].to_owned()));
                    self.0.push(Word::Variable(name.to_owned()));
                    from = at + value.len();
                    is_found = true;
                }
            }
            self.0.push(Word::Plain(text[from..].to_owned()));
        }
        self.0.retain(|word| *word != Word::Plain(String::new()));
        is_found
    }

    /// Whether that value stands in it as a whole.
    pub(crate) fn has(&self, value: &str) -> bool {
        self.plains().any(|text| {
            text.match_indices(value)
                .any(|(at, _)| is_whole(text, at, value.len()))
        })
    }

    /// What is no variable.
    pub(crate) fn plains(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|word| match word {
            Word::Plain(text) => Some(text.as_str()),
            Word::Variable(_) => None,
        })
    }

    /// The text of one without a variable.
    pub(crate) fn as_plain(&self) -> Option<&str> {
        match &self.0[..] {
            [Word::Plain(text)] => Some(text),
            _ => None,
        }
    }

    /// For people.
    pub(crate) fn shown(&self) -> String {
        let shown = |word: &Word| match word {
            Word::Plain(text) => text.clone(),
            Word::Variable(name) => format!("${{{name}}}"),
        };
        self.0.iter().map(shown).collect()
    }

    /// As JMeter has to find it in a property. A text without a function is taken as it is; in one with a function a backslash stands
    /// before a backslash, a comma or a dollar, and goes. What XML cannot hold is written by a function.
    pub(crate) fn written(&self) -> String {
        let is_read = self.0.iter().any(|word| match word {
            Word::Plain(text) => text.contains("${") || text.contains(is_foreign),
            Word::Variable(_) => true,
        });
        let mut written = String::new();
        for word in &self.0 {
            match word {
                Word::Variable(name) => {
                    written.push_str("${");
                    written.push_str(name);
                    written.push('}');
                }
                Word::Plain(text) if is_read => read_by_jmeter(text, &mut written),
                Word::Plain(text) => written.push_str(text),
            }
        }
        written
    }
}

/// Whether it is no part of a longer word or number.
fn is_whole(text: &str, at: usize, length: usize) -> bool {
    let ends = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
    ends(text[..at].chars().next_back()) && ends(text[at + length..].chars().next())
}

/// XML 1.0, section 2.2.
pub(crate) fn is_foreign(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

fn read_by_jmeter(text: &str, written: &mut String) {
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some('\\' | ',' | '$') | None) => written.push_str("\\\\"),
            ('$', Some('{')) => written.push_str("${__char(36)}"),
            (c, _) if is_foreign(c) => {
                written.push_str("${__char(");
                written.push_str(&u32::from(c).to_string());
                written.push_str(")}");
            }
            (c, _) => written.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_replaced_where_it_stands_as_a_whole() {
        let mut words = Words::plain(r#"{"room":"r-1234","again":"r-12345","r-1234":1}"#);
        assert!(words.put("r-1234", "room"));
        assert!(!words.put("r-9", "other"));
        assert_eq!(
            words.written(),
            r#"{"room":"${room}","again":"r-12345","${room}":1}"#
        );
    }

    #[test]
    fn what_jmeter_would_read_otherwise_is_written_so_that_it_does_not() {
        assert_eq!(
            Words::plain(r"a\\b\,\$").written(),
            r"a\\b\,\$",
            "no function, no reading"
        );
        assert_eq!(
            Words::plain("a ${x} \\, \\n").written(),
            "a ${__char(36)}{x} \\\\, \\n"
        );
        assert_eq!(Words::plain("{}\u{1e}").written(), "{}${__char(30)}");
        let url = Words::plain(r"ws://h/a\,b");
        assert_eq!(
            url.clone().beginning("ws://h", "server").written(),
            r"${server}/a\\,b"
        );
        assert_eq!(url.clone().beginning("ws://x", "server"), url);
    }
}
