//! Statements of scripts.

use super::syntax::{DEEPEST, Expr, Function, Parser, Read, Statement, What};
use super::tokens::{Kind, Token};
use std::rc::Rc;

/// What gives a name another value, each with the operation that it stands for.
const ASSIGNS: [(&str, &str); 7] = [
    ("=", ""),
    ("+=", "+"),
    ("-=", "-"),
    ("*=", "*"),
    ("/=", "/"),
    ("%=", "%"),
    ("<<=", "<<"),
];

impl Parser {
    pub(super) fn statements(&mut self, depth: usize) -> Read<Vec<Statement>> {
        let mut all = Vec::new();
        while self.peek().is_some() && !self.sees("}") && !self.sees("case") && !self.sees("default") {
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
        let what = if self.sees("{") {
            What::Block(self.block(depth)?)
        } else if self.take("if") {
            self.choice(depth)?
        } else if self.take("for") {
            self.rounds(depth)?
        } else if self.take("while") {
            let asked = self.in_brackets(depth)?;
            self.round(asked, None, depth)?
        } else if self.sees("do") && self.sees_at(1, "{") {
            self.at += 1;
            let body = Box::new(self.statement(depth + 1)?);
            self.need("while")?;
            What::While {
                asked: self.in_brackets(depth)?,
                late: true,
                body,
                behind: None,
            }
        } else if self.take("switch") {
            self.cases(depth)?
        } else if self.sees("try") && self.sees_at(1, "{") {
            self.tried(depth)?
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
        } else if self.take("continue") {
            What::Continue
        } else if let Some(words) = self.function_begins() {
            self.at += words - 1;
            let name = self.word()?;
            What::Function(name, Rc::new(self.function(depth)?))
        } else {
            self.simple(depth)?
        };
        Ok(Statement { line, what })
    }

    fn block(&mut self, depth: usize) -> Read<Vec<Statement>> {
        self.need("{")?;
        let all = self.statements(depth + 1)?;
        self.need("}")?;
        Ok(all)
    }

    fn in_brackets(&mut self, depth: usize) -> Read<Expr> {
        self.need("(")?;
        let inner = self.expr(depth)?;
        self.need(")")?;
        Ok(inner)
    }

    fn choice(&mut self, depth: usize) -> Read<What> {
        let asked = self.in_brackets(depth)?;
        let yes = Box::new(self.statement(depth + 1)?);
        if self.sees(";") && self.sees_at(1, "else") {
            self.at += 1;
        }
        let no = if self.take("else") {
            Some(Box::new(self.statement(depth + 1)?))
        } else {
            None
        };
        Ok(What::If(asked, yes, no))
    }

    fn tried(&mut self, depth: usize) -> Read<What> {
        self.need("try")?;
        let tried = Box::new(self.statement(depth + 1)?);
        let mut caught = None;
        while self.take("catch") {
            self.need("(")?;
            while !self.take(")") {
                self.word().or_else(|_| self.need("|").map(|()| String::new()))?;
            }
            caught = caught.or(Some(Box::new(self.statement(depth + 1)?)));
        }
        let finally = if self.take("finally") {
            Some(Box::new(self.statement(depth + 1)?))
        } else {
            None
        };
        Ok(What::Try(tried, caught, finally))
    }

    /// What is in the brackets of a `for`, and its statement.
    fn rounds(&mut self, depth: usize) -> Read<What> {
        self.need("(")?;
        let from = self.at;
        let mut name = self.word()?;
        while !self.sees("in") && !self.sees(":") {
            match self.word() {
                Ok(word) => name = word,
                Err(_) => {
                    self.at = from;
                    return self.counted(depth);
                }
            }
        }
        self.at += 1;
        let of = self.expr(depth)?;
        self.need(")")?;
        Ok(What::Each(name, of, Box::new(self.statement(depth + 1)?)))
    }

    /// A begin, a question and a step.
    fn counted(&mut self, depth: usize) -> Read<What> {
        let line = self.peek().map_or(0, |token| token.line);
        let begin = Statement {
            line,
            what: self.simple(depth)?,
        };
        self.need(";")?;
        let asked = self.expr(depth)?;
        self.need(";")?;
        let step = Statement {
            line,
            what: self.simple(depth)?,
        };
        self.need(")")?;
        let what = self.round(asked, Some(Box::new(step)), depth)?;
        Ok(What::Block(vec![begin, Statement { line, what }]))
    }

    fn round(&mut self, asked: Expr, behind: Option<Box<Statement>>, depth: usize) -> Read<What> {
        Ok(What::While {
            asked,
            late: false,
            body: Box::new(self.statement(depth + 1)?),
            behind,
        })
    }

    fn cases(&mut self, depth: usize) -> Read<What> {
        let of = self.in_brackets(depth)?;
        self.need("{")?;
        let mut cases = Vec::new();
        while !self.take("}") {
            let case = if self.take("default") {
                None
            } else {
                self.need("case")?;
                Some(self.two(0, depth + 1)?)
            };
            self.need(":")?;
            cases.push((case, self.statements(depth + 1)?));
        }
        Ok(What::Switch(of, cases))
    }

    /// How many words a function has up to its name, where one begins: `def name(`, `long name(`, `function name(`.
    fn function_begins(&self) -> Option<usize> {
        let words = self.words();
        let typed = words > 1
            && self
                .peek()
                .is_some_and(|token| is_type(token) || token.is("function"));
        if !typed || self.sees("new") || !self.sees_at(words, "(") {
            return None;
        }
        let mut at = words + 1;
        while !self.sees_at(at, ")") {
            match self.tokens.get(self.at + at).map(|token| &token.kind) {
                Some(Kind::Word(_) | Kind::Mark("," | "[" | "]")) => at += 1,
                _ => return None,
            }
        }
        self.sees_at(at + 1, "{").then_some(words)
    }

    /// The arguments of a function in their brackets, and its statements.
    pub(super) fn function(&mut self, depth: usize) -> Read<Function> {
        self.need("(")?;
        let mut names = Vec::new();
        while !self.take(")") {
            let mut name = self.word()?;
            while !self.sees(",") && !self.sees(")") {
                name = self.word()?;
            }
            names.push(name);
            self.take(",");
        }
        let body = self.block(depth + 1)?;
        Ok(Function { names, body })
    }

    /// How many words stand here before something else; the brackets of an array belong to its type.
    fn words(&self) -> usize {
        let mut words = 0;
        loop {
            let word = |at: usize| matches!(self.tokens.get(self.at + at), Some(token) if matches!(token.kind, Kind::Word(_)));
            if word(words) {
                words += 1;
            } else if words > 0 && self.sees_at(words, "[") && self.sees_at(words + 1, "]") {
                words += 2;
            } else if let (true, Some(length)) = (words > 0, self.kinds(words)) {
                words += length;
            } else {
                return words;
            }
        }
    }

    /// How long the kinds of a list are, as in `List<String> name`.
    fn kinds(&self, from: usize) -> Option<usize> {
        let mut at = from;
        if !self.sees_at(at, "<") {
            return None;
        }
        at += 1;
        while !self.sees_at(at, ">") {
            match self.tokens.get(self.at + at).map(|token| &token.kind) {
                Some(Kind::Word(_) | Kind::Mark(",")) => at += 1,
                _ => return None,
            }
        }
        let name = self.tokens.get(self.at + at + 1);
        let named = matches!(name, Some(token) if matches!(token.kind, Kind::Word(_)));
        (named && self.sees_at(at + 2, "=")).then_some(at + 1 - from)
    }

    /// A name that gets a value, or an expression.
    fn simple(&mut self, depth: usize) -> Read<What> {
        let from = self.at;
        let line = self.peek().map_or(0, |token| token.line);
        // Types and words like `def` stand before a name.
        let words = self.words();
        let assigns = ASSIGNS.iter().find(|(mark, _)| self.sees_at(words, mark));
        let typed = words > 1 && self.peek().is_some_and(is_type);
        let ends = self.sees_at(words, ";")
            || self.sees_at(words, ",")
            || self.tokens.get(self.at + words).is_none();
        if words == 0 || self.sees("new") || assigns.is_none() && !(typed && ends) {
            return self.alone(from, depth);
        }
        self.at += words - 1;
        let mut all = vec![self.assigned(depth)?];
        while typed && self.take(",") {
            all.push(self.assigned(depth)?);
        }
        if let [_] = all[..] {
            return Ok(all.remove(0));
        }
        let all = all.into_iter().map(|what| Statement { line, what });
        Ok(What::Block(all.collect()))
    }

    /// A name and the value that it gets.
    fn assigned(&mut self, depth: usize) -> Read<What> {
        let name = self.word()?;
        let Some((mark, does)) = ASSIGNS.iter().find(|(mark, _)| self.sees(mark)) else {
            return Ok(What::Name(name, Expr::Name("null".to_owned())));
        };
        self.need(mark)?;
        let array = does.is_empty() && self.sees("{") && !self.is_closure();
        let value = if array {
            self.at += 1;
            Expr::List(self.arguments("}", depth)?)
        } else {
            self.expr(depth)?
        };
        let own = Box::new(Expr::Name(name.clone()));
        Ok(What::Name(
            name,
            match *does {
                "" => value,
                does => Expr::Two(does, own, Box::new(value)),
            },
        ))
    }

    /// An expression that is a statement.
    fn alone(&mut self, from: usize, depth: usize) -> Read<What> {
        let called = self.expr(depth)?;
        let called = self.without_brackets(called, depth)?;
        // The end of a statement: a semicolon, a bracket, another line.
        let ends = self.peek().is_none()
            || [";", "}", ")", "else"].iter().any(|mark| self.sees(mark))
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
}

/// Whether a name follows that has no value yet.
fn is_type(token: &Token) -> bool {
    const TYPES: [&str; 14] = [
        "def", "var", "let", "const", "int", "long", "double", "float", "boolean", "final", "static",
        "private", "public", "void",
    ];
    match &token.kind {
        Kind::Word(word) => TYPES.contains(&word.as_str()) || word.starts_with(char::is_uppercase),
        _ => false,
    }
}
