//! Scripts as statements and expressions: the part that BeanShell, Groovy, JavaScript and JEXL have in common.

use super::tokens::{Kind, Token, tokens};

/// Statements and expressions inside each other.
const DEEPEST: usize = 40;

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
    /// What is tried, what is done when it breaks, what is done in any case.
    Try(Box<Statement>, Option<Box<Statement>>, Option<Box<Statement>>),
    Return(Option<Expr>),
    Break,
    /// A name gets a value.
    Name(String, Expr),
    Expr(Expr),
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Expr {
    Number(f64),
    Text(String),
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
    /// `x -> statements`
    Closure(String, Vec<Statement>),
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

struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

type Read<T> = Result<T, Unread>;

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

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn sees(&self, mark: &str) -> bool {
        self.peek().is_some_and(|token| token.is(mark))
    }

    fn sees_at(&self, ahead: usize, mark: &str) -> bool {
        self.tokens
            .get(self.at + ahead)
            .is_some_and(|token| token.is(mark))
    }

    /// Whether the next token is in the line of the one before it.
    fn same_line(&self) -> bool {
        let before = self.at.checked_sub(1).map(|at| self.tokens[at].line);
        self.peek().map(|token| token.line) == before
    }

    fn take(&mut self, mark: &str) -> bool {
        let sees = self.sees(mark);
        self.at += usize::from(sees);
        sees
    }

    fn need(&mut self, mark: &str) -> Read<()> {
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
    fn unread(&self, at: usize) -> Unread {
        let at = at.min(self.tokens.len().saturating_sub(1));
        let line = self.tokens.get(at).map_or(0, |token| token.line);
        let same = self.tokens.iter().skip(at).take_while(|token| token.line == line);
        let what: String = same.map(shown).collect();
        Unread {
            line,
            what: what.chars().take(80).collect(),
        }
    }

    fn word(&mut self) -> Read<String> {
        match self.peek().map(|token| token.kind.clone()) {
            Some(Kind::Word(word)) => {
                self.at += 1;
                Ok(word)
            }
            _ => Err(self.unread(self.at)),
        }
    }

    fn statements(&mut self, depth: usize) -> Read<Vec<Statement>> {
        let mut all = Vec::new();
        while self.peek().is_some() && !self.sees("}") {
            if !self.take(";") {
                all.push(self.statement(depth)?);
            }
        }
        Ok(all)
    }

    fn statement(&mut self, depth: usize) -> Read<Statement> {
        if depth > DEEPEST {
            return Err(self.unread(self.at));
        }
        let line = self.peek().map_or(0, |token| token.line);
        let inner = |parser: &mut Self| parser.statement(depth + 1).map(Box::new);
        let what = if self.take("{") {
            let all = self.statements(depth + 1)?;
            self.need("}")?;
            What::Block(all)
        } else if self.take("if") {
            self.need("(")?;
            let asked = self.expr(depth)?;
            self.need(")")?;
            let yes = inner(self)?;
            let no = if self.sees(";") && self.sees_at(1, "else") {
                self.at += 1;
                true
            } else {
                true
            } && self.take("else");
            What::If(asked, yes, if no { Some(inner(self)?) } else { None })
        } else if self.take("for") {
            self.each(depth)?
        } else if self.sees("try") && self.sees_at(1, "{") {
            self.at += 1;
            let tried = inner(self)?;
            let mut caught = None;
            while self.take("catch") {
                self.need("(")?;
                while !self.take(")") {
                    self.word().or_else(|_| self.need("|").map(|()| String::new()))?;
                }
                caught = caught.or(Some(inner(self)?));
            }
            let finally = if self.take("finally") {
                Some(inner(self)?)
            } else {
                None
            };
            What::Try(tried, caught, finally)
        } else if self.take("import") {
            while self.peek().is_some() && self.same_line() && !self.sees(";") {
                self.at += 1;
            }
            What::Block(Vec::new())
        } else if self.take("return") {
            let value = self.peek().is_some() && self.same_line() && !self.sees(";") && !self.sees("}");
            What::Return(if value { Some(self.expr(depth)?) } else { None })
        } else if self.take("break") {
            What::Break
        } else {
            self.simple(depth)?
        };
        Ok(Statement { line, what })
    }

    /// What is in the brackets of a `for`, and its statement.
    fn each(&mut self, depth: usize) -> Read<What> {
        self.need("(")?;
        let mut name = self.word()?;
        while !self.sees("in") && !self.sees(":") {
            name = self.word()?;
        }
        self.at += 1;
        let of = self.expr(depth)?;
        self.need(")")?;
        Ok(What::Each(name, of, Box::new(self.statement(depth + 1)?)))
    }

    /// A name that gets a value, or an expression.
    fn simple(&mut self, depth: usize) -> Read<What> {
        let from = self.at;
        // Types and words like `def` stand before a name.
        let mut words = 0;
        while matches!(self.tokens.get(self.at + words), Some(token) if matches!(token.kind, Kind::Word(_)))
            || words > 0 && self.sees_at(words, "[") && self.sees_at(words + 1, "]")
        {
            words += if self.sees_at(words, "[") { 2 } else { 1 };
        }
        let step = ["=", "+=", "-=", "*=", "++", "--"]
            .iter()
            .find(|mark| self.sees_at(words, mark));
        let ends = self.sees_at(words, ";") || self.tokens.get(self.at + words).is_none();
        let declared = words > 1 && ends && self.peek().is_some_and(is_type);
        if words > 0 && !self.sees("new") && (step.is_some() || declared) {
            self.at += words - 1;
            let name = self.word()?;
            let own = || Box::new(Expr::Name(name.clone()));
            let Some(step) = step else {
                return Ok(What::Name(name, Expr::Name("null".to_owned())));
            };
            self.at += 1;
            let one = || Box::new(Expr::Number(1.0));
            let value = match *step {
                "++" => Expr::Two("+", own(), one()),
                "--" => Expr::Two("-", own(), one()),
                "=" => self.expr(depth)?,
                other => {
                    let mark = ["+", "-", "*"]
                        .into_iter()
                        .find(|mark| other.starts_with(mark))
                        .unwrap_or("+");
                    let value = Box::new(self.expr(depth)?);
                    Expr::Two(mark, own(), value)
                }
            };
            return Ok(What::Name(name, value));
        }
        let called = self.expr(depth)?;
        let called = self.without_brackets(called, depth)?;
        // The end of a statement: a semicolon, a bracket, another line.
        let ends = self.peek().is_none()
            || self.sees(";")
            || self.sees("}")
            || self.sees("else")
            || !self.same_line();
        if ends {
            Ok(What::Expr(called))
        } else {
            Err(self.unread(from))
        }
    }

    /// `sleep 500`, as Groovy allows it.
    fn without_brackets(&mut self, called: Expr, depth: usize) -> Read<Expr> {
        let value = self.same_line()
            && self
                .peek()
                .is_some_and(|token| !matches!(token.kind, Kind::Mark(_)) && !token.is("else"));
        Ok(match called {
            Expr::Name(name) if value => Expr::Call(None, name, vec![self.expr(depth)?]),
            Expr::Member(of, name) if value => Expr::Call(Some(of), name, vec![self.expr(depth)?]),
            other => other,
        })
    }

    fn expr(&mut self, depth: usize) -> Read<Expr> {
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
    fn two(&mut self, level: usize, depth: usize) -> Read<Expr> {
        const LEVELS: [&[&str]; 8] = [
            &["||", "or"],
            &["&&", "and"],
            &["===", "!==", "==~", "=~", "==", "!=", "eq", "ne", "in"],
            &["<=", ">=", "<", ">", "lt", "gt", "le", "ge"],
            &["<<"],
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
            Kind::Mark("(") => {
                let inner = self.expr(depth + 1)?;
                self.need(")")?;
                Ok(inner)
            }
            Kind::Mark("[") => Ok(Expr::List(self.arguments("]", depth)?)),
            Kind::Mark("{") => self.closure(depth),
            Kind::Word(word) if word == "new" => {
                let name = self.word()?;
                self.need("(")?;
                Ok(Expr::New(name, self.arguments(")", depth)?))
            }
            Kind::Word(word) if self.sees("(") && self.same_line() => {
                self.at += 1;
                Ok(Expr::Call(None, word, self.arguments(")", depth)?))
            }
            Kind::Word(word) => Ok(Expr::Name(word)),
            Kind::Mark(_) => Err(self.unread(self.at - 1)),
        }
    }

    fn closure(&mut self, depth: usize) -> Read<Expr> {
        let named = matches!(self.peek(), Some(token) if matches!(token.kind, Kind::Word(_)))
            && self.sees_at(1, "->");
        let name = if named { self.word()? } else { "it".to_owned() };
        self.take("->");
        let all = self.statements(depth + 1)?;
        self.need("}")?;
        Ok(Expr::Closure(name, all))
    }

    /// Members, calls and places behind a value.
    fn behind(&mut self, first: Expr, depth: usize) -> Read<Expr> {
        let mut value = first;
        loop {
            if self.take(".") || self.take("?.") {
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
                value = Expr::Call(Some(Box::new(value)), kind.to_owned(), Vec::new());
            } else {
                return Ok(value);
            }
        }
    }

    fn arguments(&mut self, end: &str, depth: usize) -> Read<Vec<Expr>> {
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
            "String" => Some("toString"),
            _ => None,
        },
        _ => None,
    }
}

/// Whether a name follows that has no value yet.
fn is_type(token: &Token) -> bool {
    const TYPES: [&str; 9] = [
        "def", "var", "let", "int", "long", "double", "float", "boolean", "final",
    ];
    match &token.kind {
        Kind::Word(word) => TYPES.contains(&word.as_str()) || word.starts_with(char::is_uppercase),
        _ => false,
    }
}

fn shown(token: &Token) -> String {
    match &token.kind {
        Kind::Word(word) => word.clone(),
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => format!("\"{text}\""),
        Kind::Mark(mark) => (*mark).to_owned(),
    }
}
