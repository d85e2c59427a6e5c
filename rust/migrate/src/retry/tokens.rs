//! Scripts and conditions as words, numbers, texts and marks: what BeanShell, Groovy, JavaScript and JEXL have in common.

/// The longest script that is looked at, in bytes.
pub(super) const LONGEST: usize = 16 << 10;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Word(String),
    Number(f64),
    Text(String),
    /// A text between double quotes that has a `$`: Groovy fills in what stands behind it.
    Filled(String),
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
            Kind::Number(_) | Kind::Text(_) | Kind::Filled(_) => false,
        }
    }
}

/// Longer ones first.
const MARKS: [&str; 49] = [
    "===", "!==", "==~", "=~", "&&", "||", "==", "!=", "<=", ">=", "<<=", "<<", ">>", "**", "++", "--", "+=",
    "-=", "*=", "/=", "%=", "->", "?.", "?:", "{", "}", "(", ")", "[", "]", ";", ",", ".", "!", "<", ">",
    "=", "+", "-", "*", "/", "%", "?", ":", "@", "&", "|", "^", "~",
];

/// Packages that scripts write before names, and that tell nothing.
const PACKAGES: [&[&str]; 5] = [
    &["java", "util", "concurrent"],
    &["java", "lang"],
    &["java", "util"],
    &["org", "apache", "commons", "lang3"],
    &["org", "apache", "jmeter", "threads"],
];

/// The tokens of a text.
///
/// # Errors
/// The line of something that is none, counted from 0.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, usize> {
    if text.len() > LONGEST {
        return Err(0);
    }
    let (mut rest, mut line, mut found) = (text, 0, Vec::<Token>::new());
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").ok_or(line)? + 2
        } else {
            let (kind, length) = token(rest, first, found.last()).ok_or(line)?;
            found.push(Token { kind, line });
            length
        };
        line += rest[..length].matches('\n').count();
        rest = &rest[length..];
    }
    Ok(without_packages(&found))
}

fn token(rest: &str, first: char, before: Option<&Token>) -> Option<(Kind, usize)> {
    for quotes in ["\"\"\"", "'''"] {
        if let Some(inner) = rest.strip_prefix(quotes) {
            let end = inner.find(quotes)?;
            return Some((Kind::Text(inner[..end].to_owned()), end + 2 * quotes.len()));
        }
    }
    if first == '"' || first == '\'' {
        return text(rest, first, true);
    }
    // Groovy writes patterns between slashes, where no value stands that could be divided.
    let divides = before.is_some_and(|before| match &before.kind {
        Kind::Mark(mark) => [")", "]"].contains(mark),
        Kind::Word(_) | Kind::Number(_) | Kind::Text(_) | Kind::Filled(_) => true,
    });
    if first == '/' && !divides {
        return text(rest, first, false);
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
        let suffix = usize::from(rest[digits.len()..].starts_with(['L', 'l', 'd', 'D', 'f', 'g']));
        return Some((Kind::Number(digits.parse().ok()?), digits.len() + suffix));
    }
    if first.is_alphabetic() || first == '_' || first == '$' {
        let end = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '$')
            .unwrap_or(rest.len());
        return Some((Kind::Word(rest[..end].to_owned()), end));
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
    Some((Kind::Mark(mark), mark.len()))
}

/// A text up to the next quote like its first.
fn text(rest: &str, quote: char, escapes: bool) -> Option<(Kind, usize)> {
    let mut out = String::new();
    let (mut fills, mut escaped) = (false, false);
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => {
                let kind = if fills && !escaped && quote == '"' {
                    Kind::Filled(out)
                } else {
                    Kind::Text(out)
                };
                return Some((kind, at + 1));
            }
            '\n' => return None,
            '\\' if escapes => out.push(match chars.next()?.1 {
                'n' => '\n',
                't' => '\t',
                'r' => '\r',
                '$' => {
                    escaped = true;
                    '$'
                }
                other @ ('\\' | '"' | '\'' | '/') => other,
                _ => return None,
            }),
            '\\' if rest[at + 1..].starts_with(quote) => out.push(chars.next()?.1),
            _ => {
                fills |= c == '$';
                out.push(c);
            }
        }
    }
    None
}

fn without_packages(tokens: &[Token]) -> Vec<Token> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut rest = tokens;
    while let Some(first) = rest.first() {
        let member = out.last().is_some_and(|before: &Token| before.is("."));
        let length = |package: &&[&str]| {
            let words = package.iter().enumerate();
            let all = words.clone().all(|(nth, word)| {
                rest.get(2 * nth).is_some_and(|token| token.is(word))
                    && rest.get(2 * nth + 1).is_some_and(|token| token.is("."))
            });
            (all && !member).then_some(2 * package.len())
        };
        match PACKAGES.iter().find_map(length) {
            Some(length) => rest = &rest[length..],
            None => {
                out.push(first.clone());
                rest = &rest[1..];
            }
        }
    }
    out
}
