//! Scripts and conditions as words, numbers, texts and marks: what BeanShell, Groovy, JavaScript and JEXL have in common.

/// The longest script that is looked at, in bytes.
const LONGEST: usize = 16 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Word(String),
    Number(f64),
    Text(String),
    Mark(&'static str),
}

/// A token, and the line that it is in, counted from 0.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) line: usize,
}

impl Token {
    pub(super) fn is(&self, mark: &str) -> bool {
        match &self.kind {
            Kind::Mark(own) => *own == mark,
            Kind::Word(own) => own == mark,
            Kind::Number(_) | Kind::Text(_) => false,
        }
    }
}

/// Longer ones first.
const MARKS: [&str; 32] = [
    "&&", "||", "==", "!=", "<=", ">=", "<<", "**", "++", "--", "+=", "-=", "{", "}", "(", ")", "[", "]",
    ";", ",", ".", "!", "<", ">", "=", "+", "-", "*", "/", "%", "?", ":",
];

/// The tokens of a text; none where it has something else, or is too long.
pub(super) fn tokens(text: &str) -> Option<Vec<Token>> {
    if text.len() > LONGEST {
        return None;
    }
    let (mut rest, mut line, mut found) = (text, 0, Vec::new());
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/")? + 2
        } else {
            let (kind, length) = token(rest, first)?;
            found.push(Token { kind, line });
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Some(found)
}

fn token(rest: &str, first: char) -> Option<(Kind, usize)> {
    if first == '"' || first == '\'' {
        let end = rest[1..].find(first)?;
        let text = &rest[1..=end];
        // What an escape stands for is of no use here, and a text across lines is none of a retry's.
        return (!text.contains(['\\', '\n'])).then(|| (Kind::Text(text.to_owned()), end + 2));
    }
    if rest.starts_with("${") {
        let end = rest.find('}')?;
        return Some((Kind::Word(rest[..=end].to_owned()), end + 1));
    }
    if first.is_ascii_digit() {
        let end = rest
            .find(|c: char| !c.is_ascii_digit() && c != '.')
            .unwrap_or(rest.len());
        // 500.toString() has no decimals.
        let digits = rest[..end].trim_end_matches('.');
        let suffix = usize::from(rest[digits.len()..].starts_with(['L', 'l', 'd', 'f']));
        return Some((Kind::Number(digits.parse().ok()?), digits.len() + suffix));
    }
    if first.is_alphabetic() || first == '_' {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        return Some((Kind::Word(rest[..end].to_owned()), end));
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
    Some((Kind::Mark(mark), mark.len()))
}

/// The place behind the bracket that closes the one at `from`.
pub(super) fn behind(tokens: &[Token], from: usize) -> Option<usize> {
    let mut open = 0_usize;
    for (nth, token) in tokens.iter().enumerate().skip(from) {
        if token.is("(") || token.is("[") || token.is("{") {
            open += 1;
        } else if token.is(")") || token.is("]") || token.is("}") {
            open = open.checked_sub(1)?;
            if open == 0 {
                return Some(nth + 1);
            }
        }
    }
    None
}
