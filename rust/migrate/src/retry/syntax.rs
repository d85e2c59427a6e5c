//! Scripts as statements and expressions: the part that BeanShell, Groovy, JavaScript and JEXL have in common.

use super::tokens::{Kind, Token, tokens};
use std::rc::Rc;

/// Statements and expressions inside each other.
pub(super) const DEEPEST: usize = 40;

/// What cannot be read: its line, counted from 0, and its begin.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unread {
    pub(super) line: usize,
    pub(super) what: String,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    pub(super) line: usize,
    pub(super) what: What,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum What {
    Block(Vec<Statement>),
    If(Expr, Box<Statement>, Option<Box<Statement>>),
    /// For each of the values, under this name.
    Each(String, Expr, Box<Statement>),
    /// As long as something holds, which is asked behind the first round or before it; with what is done behind each round.
    While {
        asked: Expr,
        late: bool,
        body: Box<Statement>,
        behind: Option<Box<Statement>>,
    },
    /// A value, and cases of other values with their statements; none stands for `default`.
    Switch(Expr, Vec<(Option<Expr>, Vec<Statement>)>),
    /// A function of the script's own: its name, the names of its arguments, its statements.
    Function(String, Rc<Function>),
    /// What is tried, what is done when it breaks, what is done in any case.
    Try(Box<Statement>, Option<Box<Statement>>, Option<Box<Statement>>),
    Return(Option<Expr>),
    Break,
    Continue,
    /// A name gets a value.
    Name(String, Expr),
    Expr(Expr),
}

/// A function of a script, or a closure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Function {
    pub(super) names: Vec<String>,
    pub(super) body: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
    /// A text, and what Groovy makes of it: texts and values one behind another.
    Joined(String, Vec<Expr>),
    /// Something of which nothing is asked if it has no value.
    Maybe(Box<Expr>),
    /// Something in such a text that is not understood.
    Unread,
    /// A name whose value goes up or down; whether its value is the one from before that.
    Step(String, f64, bool),
    Name(String),
    List(Vec<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    Two(&'static str, Box<Expr>, Box<Expr>),
    Choice(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `of.name`
    Member(Box<Expr>, String),
    /// `of.name(arguments)`, or `name(arguments)`
    Call(Option<Box<Expr>>, String, Vec<Expr>),
    New(String, Vec<Expr>),
    At(Box<Expr>, Box<Expr>),
    /// `{ x -> statements }`, or `function (x) { statements }`
    Closure(Rc<Function>),
}

/// Reads a script.
pub(super) fn script(text: &str) -> Result<Vec<Statement>, Unread> {
    let mut parser = Parser::of(text)?;
    let statements = parser.statements(0)?;
    parser.at_end()?;
    Ok(statements)
}

/// Reads one expression.
pub(super) fn expression(text: &str) -> Result<Expr, Unread> {
    let mut parser = Parser::of(text)?;
    let expr = parser.expr(0)?;
    parser.at_end()?;
    Ok(expr)
}

pub(super) struct Parser {
    pub(super) tokens: Vec<Token>,
    pub(super) at: usize,
}

pub(super) type Read<T> = Result<T, Unread>;

impl Parser {
    fn of(text: &str) -> Read<Self> {
        let tokens = tokens(text).map_err(|line| Unread {
            line,
            what: text
                .lines()
                .nth(line)
                .unwrap_or_default()
                .trim()
                .chars()
                .take(80)
                .collect(),
        })?;
        Ok(Self { tokens, at: 0 })
    }

    pub(super) fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    pub(super) fn sees(&self, mark: &str) -> bool {
        self.peek().is_some_and(|token| token.is(mark))
    }

    pub(super) fn sees_at(&self, ahead: usize, mark: &str) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|token| token.is(mark))
    }

    /// Whether the next token is in the line of the one before it.
    pub(super) fn same_line(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].line);
        self.peek().map(|token| token.line) == before
    }

    pub(super) fn take(&mut self, mark: &str) -> bool {
        let sees = self.sees(mark);
        self.at += usize::from(sees);
        sees
    }

    pub(super) fn need(&mut self, mark: &str) -> Read<()> {
        if self.take(mark) {
            Ok(())
        } else {
            Err(self.unread(self.at))
        }
    }

    fn at_end(&self) -> Read<()> {
        if self.at == self.tokens.len() {
            Ok(())
        } else {
            Err(self.unread(self.at))
        }
    }

    /// What begins at this token, for people.
    pub(super) fn unread(&self, at: usize) -> Unread {
        let at = at.min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        let same = self.tokens.iter().skip(at).take_while(|token| token.line == line);
        let what: String = same.map(shown).collect();
        Unread {
            line,
            what: what.chars().take(80).collect(),
        }
    }

    pub(super) fn word(&mut self) -> Read<String> {
        match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unread(self.at)),
        }
    }
}

fn shown(token: &Token) -> String {
    match &token.kind {
        Kind::Word(word) => word.clone(),
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) | Kind::Filled(text) => format!("\"{text}\""),
        Kind::Mark(mark) => (*mark).to_owned(),
    }
}
