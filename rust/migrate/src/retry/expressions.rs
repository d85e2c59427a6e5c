//! Expressions of scripts and conditions.

use super::syntax::{DEEPEST, Expr, Function, Parser, Read, expression};
use super::tokens::{Kind, Token};
use std::rc::Rc;

impl Parser {
    pub(super) fn expr(&mut self, depth: usize) -> Read<Expr> {
        if depth > DEEPEST {
            return Err(self.unread(self.at));
        }
        let asked = self.two(0, depth + 1)?;
        if self.take("?") {
            let yes = self.expr(depth + 1)?;
            self.need(":")?;
            let no = self.expr(depth + 1)?;
            return Ok(Expr::Choice(Box::new(asked), Box::new(yes), Box::new(no)));
        }
        if self.take("?:") {
            let no = self.expr(depth + 1)?;
            return Ok(Expr::Choice(
                Box::new(asked.clone()),
                Box::new(asked),
                Box::new(no),
            ));
        }
        Ok(asked)
    }

    /// Operators from the weakest on.
    pub(super) fn two(&mut self, level: usize, depth: usize) -> Read<Expr> {
        const LEVELS: [&[&str]; 8] = [
            &["||", "or"],
            &["&&", "and"],
            &["===", "!==", "==~", "=~", "==", "!=", "eq", "ne", "in"],
            &["<=", ">=", "<", ">", "lt", "gt", "le", "ge"],
            &["<<", ">>"],
            &["+", "-"],
            &["*", "/", "%"],
            &["**"],
        ];
        let Some(marks) = LEVELS.get(level) else {
            return self.unary(depth);
        };
        let mut left = self.two(level + 1, depth)?;
        while let Some(mark) = marks.iter().find(|mark| self.sees(mark)) {
            self.at += 1;
            let right = self.two(level + 1, depth)?;
            left = Expr::Two(mark, Box::new(left), Box::new(right));
        }
        Ok(left)
    }

    fn unary(&mut self, depth: usize) -> Read<Expr> {
        if depth > DEEPEST {
            return Err(self.unread(self.at));
        }
        if self.take("!") || self.take("not") {
            return Ok(Expr::Not(Box::new(self.unary(depth + 1)?)));
        }
        if self.take("-") {
            return Ok(Expr::Minus(Box::new(self.unary(depth + 1)?)));
        }
        if self.take("+") {
            return Ok(Expr::Call(
                None,
                "Number".to_owned(),
                vec![self.unary(depth + 1)?],
            ));
        }
        for (mark, by) in [("++", 1.0), ("--", -1.0)] {
            if self.take(mark) {
                return Ok(Expr::Step(self.word()?, by, false));
            }
        }
        // A cast changes a kind of number at most.
        let casts = ["int", "long", "double", "float", "String", "Integer", "Long"];
        if self.sees("(") && self.sees_at(2, ")") && casts.iter().any(|cast| self.sees_at(1, cast)) {
            self.at += 2;
            let name = self.tokens[self.at - 1].clone();
            self.at += 1;
            let value = self.unary(depth + 1)?;
            return Ok(if name.is("int") || name.is("long") {
                Expr::Call(Some(Box::new(value)), "longValue".to_owned(), Vec::new())
            } else {
                value
            });
        }
        let first = self.atom(depth)?;
        self.behind(first, depth)
    }

    fn atom(&mut self, depth: usize) -> Read<Expr> {
        let Some(token) = self.peek().cloned() else {
            return Err(self.unread(self.at));
        };
        self.at += 1;
        match token.kind {
            Kind::Number(number) => Ok(Expr::Number(number)),
            Kind::Text(text) => Ok(Expr::Text(text)),
            Kind::Filled(text) => Ok(joined(&text)),
            Kind::Mark("(") => {
                let inner = self.expr(depth + 1)?;
                self.need(")")?;
                Ok(inner)
            }
            Kind::Mark("[") => Ok(Expr::List(self.arguments("]", depth)?)),
            Kind::Mark("{") => self.closure(depth),
            Kind::Word(word) if word == "new" => self.new_thing(depth),
            Kind::Word(word) if word == "function" && self.sees("(") => {
                Ok(Expr::Closure(Rc::new(self.function(depth)?)))
            }
            Kind::Word(word) if self.sees("(") && self.same_line() => {
                self.at += 1;
                Ok(Expr::Call(None, word, self.arguments(")", depth)?))
            }
            Kind::Word(word) => Ok(Expr::Name(word)),
            Kind::Mark(_) => Err(self.unread(self.at - 1)),
        }
    }

    fn new_thing(&mut self, depth: usize) -> Read<Expr> {
        let name = self.word()?;
        if self.take("[") {
            self.need("]")?;
            self.need("{")?;
            return Ok(Expr::List(self.arguments("}", depth)?));
        }
        if self.take("<") {
            self.need(">")?;
        }
        self.need("(")?;
        Ok(Expr::New(name, self.arguments(")", depth)?))
    }

    /// Whether an open bracket begins a closure, by its `->` or what is no value of an array.
    pub(super) fn is_closure(&self) -> bool {
        let mut at = 1;
        loop {
            match self.tokens.get(self.at + at).map(|token| &token.kind) {
                Some(Kind::Number(_) | Kind::Text(_) | Kind::Filled(_) | Kind::Mark("," | "-")) => at += 1,
                Some(Kind::Mark("}")) => return at == 1,
                _ => return true,
            }
        }
    }

    fn closure(&mut self, depth: usize) -> Read<Expr> {
        let from = self.at;
        let mut names = Vec::new();
        while let Ok(name) = self.word() {
            // A type may stand before it.
            let typed = matches!(self.peek(), Some(token) if matches!(token.kind, Kind::Word(_)));
            names.push(if typed { self.word()? } else { name });
            if !self.take(",") {
                break;
            }
        }
        if !self.take("->") {
            self.at = from;
            names = vec!["it".to_owned()];
        }
        let body = self.statements(depth + 1)?;
        self.need("}")?;
        Ok(Expr::Closure(Rc::new(Function { names, body })))
    }

    /// Members, calls and places behind a value.
    fn behind(&mut self, first: Expr, depth: usize) -> Read<Expr> {
        let mut value = first;
        loop {
            if self.sees(".") || self.sees("?.") {
                if self.sees("?.") {
                    value = Expr::Maybe(Box::new(value));
                }
                self.at += 1;
                let name = self.word()?;
                if self.sees("(") && self.same_line() {
                    self.at += 1;
                    let mut arguments = self.arguments(")", depth)?;
                    if self.sees("{") && self.same_line() {
                        self.at += 1;
                        arguments.push(self.closure(depth)?);
                    }
                    value = Expr::Call(Some(Box::new(value)), name, arguments);
                } else if self.sees("{") && self.same_line() {
                    self.at += 1;
                    let closure = self.closure(depth)?;
                    value = Expr::Call(Some(Box::new(value)), name, vec![closure]);
                } else {
                    value = Expr::Member(Box::new(value), name);
                }
            } else if self.sees("[") && self.same_line() {
                self.at += 1;
                let place = self.expr(depth + 1)?;
                self.need("]")?;
                value = Expr::At(Box::new(value), Box::new(place));
            } else if let (true, Some(kind)) = (self.sees("as"), as_kind(self.tokens.get(self.at + 1))) {
                self.at += 2;
                value = match kind {
                    "" => value,
                    kind => Expr::Call(Some(Box::new(value)), kind.to_owned(), Vec::new()),
                };
                while self.take("[") {
                    self.need("]")?;
                }
            } else if let (true, Expr::Name(name)) = (self.sees("++") || self.sees("--"), &value) {
                let by = if self.sees("++") { 1.0 } else { -1.0 };
                self.at += 1;
                value = Expr::Step(name.clone(), by, true);
            } else {
                return Ok(value);
            }
        }
    }

    pub(super) fn arguments(&mut self, end: &str, depth: usize) -> Read<Vec<Expr>> {
        let mut all = Vec::new();
        if self.take(end) {
            return Ok(all);
        }
        loop {
            all.push(self.expr(depth + 1)?);
            if self.take(end) {
                return Ok(all);
            }
            self.need(",")?;
        }
    }
}

/// The call that does what `as` with this kind does.
fn as_kind(kind: Option<&Token>) -> Option<&'static str> {
    match kind.map(|token| &token.kind) {
        Some(Kind::Word(word)) => match word.as_str() {
            "int" | "Integer" | "long" | "Long" => Some("toInteger"),
            "double" | "Double" | "float" | "Float" | "BigDecimal" => Some("toDouble"),
            "String" => Some("toString"),
            "boolean" | "Boolean" => Some("toBoolean"),
            "List" => Some(""),
            _ => None,
        },
        _ => None,
    }
}

/// A text with what Groovy fills in: `${...}`, or a name and its members behind a `$`.
fn joined(text: &str) -> Expr {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some((before, behind)) = rest.split_once('$') {
        parts.push(Expr::Text(before.to_owned()));
        let length = if behind.starts_with('{') {
            closed(behind)
        } else {
            named(behind)
        };
        let Some(length) = length else {
            parts.push(Expr::Text("$".to_owned()));
            rest = behind;
            continue;
        };
        let inner = &behind[..length];
        let inner = inner
            .strip_prefix('{')
            .map_or(inner, |inner| &inner[..inner.len() - 1]);
        parts.push(expression(inner).unwrap_or(Expr::Unread));
        rest = &behind[length..];
    }
    parts.push(Expr::Text(rest.to_owned()));
    Expr::Joined(text.to_owned(), parts)
}

/// How long a text is up to the bracket that closes its first one.
fn closed(text: &str) -> Option<usize> {
    let mut open = 0_usize;
    for (at, c) in text.char_indices() {
        match c {
            '{' => open += 1,
            '}' if open == 1 => return Some(at + 1),
            '}' => open -= 1,
            _ => {}
        }
    }
    None
}

/// How long a name with members is that a text begins with.
fn named(text: &str) -> Option<usize> {
    let end = text
        .find(|c: char| !c.is_alphanumeric() && c != '_' && c != '.')
        .unwrap_or(text.len());
    let name = text[..end].trim_end_matches('.');
    name.starts_with(|c: char| c.is_alphabetic() || c == '_')
        .then_some(name.len())
}
