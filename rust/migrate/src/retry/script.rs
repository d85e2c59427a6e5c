//! A script that is run after each try: whether it does nothing but count, remember success, wait, log and hide failures.

use super::tokens::{Kind, Token, behind, tokens};
use super::waits::Waits;
use std::cell::Cell;
use std::collections::BTreeMap;

/// The variables that a loop's condition asks for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct State {
    pub(super) flag: String,
    /// The flag's text when no further try is needed.
    pub(super) done: String,
    pub(super) counter: Option<String>,
}

/// What such a script does.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Retries {
    pub(super) remembers: bool,
    pub(super) counts: bool,
    /// Milliseconds before the next tries, without what is drawn; none where they cannot be told.
    pub(super) waits: Option<Vec<f64>>,
    pub(super) sleeps: bool,
    pub(super) draws: bool,
    pub(super) hides: bool,
    pub(super) logs: bool,
    /// It calls something that JMeter does not have.
    pub(super) invents: bool,
}

/// Why a script is not only that: the line in it, counted from 0, and what is there.
#[derive(Debug, PartialEq)]
pub(super) struct Other {
    pub(super) line: usize,
    pub(super) what: String,
}

/// Reads a script.
pub(super) fn read(script: &str, parameters: &str, state: &State) -> Result<Retries, Other> {
    let Some(tokens) = tokens(script) else {
        return Err(Other {
            line: 0,
            what: "something that cannot be read".to_owned(),
        });
    };
    let mut reader = Reader {
        state,
        parameters,
        locals: BTreeMap::new(),
        found: Retries::default(),
    };
    reader.all(&tokens, After::Always, 0)?;
    Ok(reader.found)
}

/// When a statement is done.
#[derive(Debug, Clone, Copy, PartialEq)]
enum After {
    Always,
    Success,
    Failure,
}

/// Blocks inside each other that are gone into.
const DEEPEST: usize = 20;

struct Reader<'a> {
    state: &'a State,
    parameters: &'a str,
    locals: BTreeMap<String, Vec<Token>>,
    found: Retries,
}

impl Reader<'_> {
    fn all(&mut self, tokens: &[Token], after: After, depth: usize) -> Result<(), Other> {
        let mut rest = tokens;
        while !rest.is_empty() {
            rest = self.statement(rest, after, depth)?;
        }
        Ok(())
    }

    /// Reads one statement, and gives what is behind it.
    fn statement<'t>(
        &mut self,
        tokens: &'t [Token],
        after: After,
        depth: usize,
    ) -> Result<&'t [Token], Other> {
        let first = &tokens[0];
        let other = || Other {
            line: first.line,
            what: shown(tokens),
        };
        if depth > DEEPEST {
            return Err(other());
        }
        if first.is(";") {
            return Ok(&tokens[1..]);
        }
        if first.is("{") {
            let end = behind(tokens, 0).ok_or_else(other)?;
            self.all(&tokens[1..end - 1], after, depth + 1)?;
            return Ok(&tokens[end..]);
        }
        if first.is("if") {
            let end = behind(tokens, 1).ok_or_else(other)?;
            let asked = self.asked(&tokens[2..end - 1]).ok_or_else(other)?;
            let body = tokens
                .get(end..)
                .filter(|body| !body.is_empty())
                .ok_or_else(other)?;
            let rest = self.statement(body, asked.within(after), depth + 1)?;
            let rest = match rest {
                [semicolon, rest @ ..]
                    if semicolon.is(";") && rest.first().is_some_and(|word| word.is("else")) =>
                {
                    rest
                }
                rest => rest,
            };
            return match rest {
                [word, rest @ ..] if word.is("else") && !rest.is_empty() => {
                    self.statement(rest, asked.not().within(after), depth + 1)
                }
                _ => Ok(rest),
            };
        }
        let end = end(tokens);
        self.simple(&tokens[..end], after).map_err(|()| other())?;
        Ok(&tokens[end..])
    }

    /// Whether a condition asks for success or failure of the try; further questions for tries are of no matter.
    fn asked(&self, condition: &[Token]) -> Option<After> {
        let mut asked = After::Always;
        for part in condition.split(|token| token.is("&&")) {
            let text = self.text_of_condition(part);
            let found = if self.asks_for_tries(part) {
                After::Always
            } else {
                success(&text)?
            };
            asked = found.within(asked);
        }
        Some(asked)
    }

    /// A condition without blanks, its local names replaced by what they stand for.
    fn text_of_condition(&self, part: &[Token]) -> String {
        let mut text = String::new();
        for token in part {
            match &token.kind {
                Kind::Word(name) if self.locals.contains_key(name) => {
                    text.push_str(&joined(&self.locals[name]));
                }
                _ => text.push_str(&joined(std::slice::from_ref(token))),
            }
        }
        text
    }

    fn asks_for_tries(&self, part: &[Token]) -> bool {
        let waits = self.waits();
        let compares = |token: &Token| ["<", "<=", ">", ">="].iter().any(|mark| token.is(mark));
        part.split(compares).count() == 2
            && part
                .split(compares)
                .all(|side| waits.number(side, 1.0, 0.0).is_some())
    }

    fn waits(&self) -> Waits<'_> {
        Waits {
            locals: &self.locals,
            counter: self.state.counter.as_deref(),
            parameters: self.parameters,
            steps: Cell::new(0),
        }
    }

    fn simple(&mut self, tokens: &[Token], after: After) -> Result<(), ()> {
        let text = joined(tokens);
        if text.starts_with("import") || text.starts_with("return") && tokens.len() == 1 {
            return Ok(());
        }
        if text.starts_with("log.") {
            self.found.logs = true;
            return Ok(());
        }
        if [
            "prev.setSuccessful(true)",
            "prev.successful=true",
            "prev.setResponseOK()",
        ]
        .contains(&text.as_str())
        {
            self.found.hides = true;
            return Ok(());
        }
        if let Some(inner) = call(tokens, &["Thread", ".", "sleep"]).or_else(|| call(tokens, &["sleep"])) {
            return self.sleep(inner, after);
        }
        if let Some(inner) = call(tokens, &["vars", ".", "put"]) {
            return self.put(inner, after);
        }
        self.local(tokens)
    }

    fn sleep(&mut self, expression: &[Token], after: After) -> Result<(), ()> {
        if after == After::Success || self.found.sleeps {
            return Err(());
        }
        let waits = self.waits();
        let series = |drawn| -> Option<Vec<f64>> {
            (1..=5)
                .map(|nth| waits.number(expression, f64::from(nth), drawn))
                .collect()
        };
        let (least, most) = (series(0.0), series(1.0));
        self.found.invents = expression.iter().any(|token| token.is("getResponseHeader"));
        if least.is_none() && !expression.iter().all(|token| self.only_reads(token)) {
            return Err(());
        }
        self.found.sleeps = true;
        self.found.draws = least != most;
        self.found.waits = least.filter(|waits| waits.iter().all(|wait| wait.is_finite() && *wait >= 0.0));
        Ok(())
    }

    fn put(&mut self, arguments: &[Token], after: After) -> Result<(), ()> {
        let comma = top_level_comma(arguments).ok_or(())?;
        let (name, value) = (&arguments[..comma], &arguments[comma + 1..]);
        let name = self.waits().text(name).ok_or(())?;
        if self.state.counter.as_ref() == Some(&name) {
            self.found.counts = true;
            return Ok(());
        }
        if name != self.state.flag {
            return Err(());
        }
        let says_done = self.waits().text(value).map(|text| text == self.state.done);
        let says_success = success(
            &joined(value)
                .replace("String.valueOf", "")
                .replace(['(', ')'], ""),
        ) == Some(After::Success);
        match (says_done, after) {
            (Some(true), After::Success) => self.found.remembers = true,
            (None, After::Always) if says_success && self.state.done == "true" => self.found.remembers = true,
            (Some(false), After::Always | After::Failure) => {}
            _ => return Err(()),
        }
        Ok(())
    }

    fn only_reads(&self, token: &Token) -> bool {
        match &token.kind {
            Kind::Word(word) => READS.contains(&word.as_str()) || self.locals.contains_key(word),
            Kind::Mark(mark) => !["=", "{", "}", "++", "--"].contains(mark),
            Kind::Number(_) | Kind::Text(_) => true,
        }
    }

    /// A name for something that has been read: no call that could do more.
    fn local(&mut self, tokens: &[Token]) -> Result<(), ()> {
        let steps = [["++"], ["--"]];
        if let [
            Token {
                kind: Kind::Word(_), ..
            },
            step,
        ] = tokens
        {
            return if steps.iter().any(|mark| step.is(mark[0])) {
                Ok(())
            } else {
                Err(())
            };
        }
        let equals = tokens.iter().position(|token| token.is("=")).ok_or(())?;
        let Some(Token {
            kind: Kind::Word(name),
            ..
        }) = equals.checked_sub(1).map(|at| &tokens[at])
        else {
            return Err(());
        };
        let words = tokens[..equals]
            .iter()
            .all(|token| matches!(token.kind, Kind::Word(_)));
        let value = &tokens[equals + 1..];
        let only_reads = |token: &Token| match &token.kind {
            Kind::Word(word) => {
                READS.contains(&word.as_str()) || self.locals.contains_key(word) || word == name
            }
            Kind::Mark(mark) => !["=", "{", "}", "++", "--"].contains(mark),
            Kind::Number(_) | Kind::Text(_) => true,
        };
        if !words || equals > 3 || !value.iter().all(only_reads) {
            return Err(());
        }
        // A step of a count is no new name.
        if !value.iter().any(|token| token.is(name)) {
            self.locals.insert(name.clone(), value.to_vec());
        }
        Ok(())
    }
}

/// Words of expressions that change nothing.
const READS: [&str; 35] = [
    "getResponseHeader",
    "vars",
    "get",
    "prev",
    "getResponseCode",
    "responseCode",
    "isSuccessful",
    "successful",
    "Integer",
    "Long",
    "parseInt",
    "parseLong",
    "valueOf",
    "Math",
    "pow",
    "min",
    "max",
    "random",
    "new",
    "Random",
    "nextInt",
    "ThreadLocalRandom",
    "current",
    "as",
    "int",
    "long",
    "toInteger",
    "toLong",
    "Parameters",
    "args",
    "equals",
    "true",
    "false",
    "isResponseCodeOK",
    "round",
];

impl After {
    fn not(self) -> Self {
        match self {
            After::Always => After::Always,
            After::Success => After::Failure,
            After::Failure => After::Success,
        }
    }

    fn within(self, outer: Self) -> Self {
        if self == After::Always { outer } else { self }
    }
}

/// What a question without blanks asks of the try, if it asks for nothing else.
fn success(text: &str) -> Option<After> {
    let (not, text) = match text.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let text = text
        .trim_start_matches('(')
        .trim_end_matches(')')
        .trim_end_matches('(');
    let text = text
        .replace("==true", "")
        .replace("prev.getResponseCode()", "prev.responseCode");
    let plain = [
        "prev.isSuccessful",
        "prev.successful",
        "prev.isResponseCodeOK",
        "prev.isSuccessful()",
        "prev.isResponseCodeOK()",
    ];
    let found = if plain.contains(&text.as_str()) {
        After::Success
    } else if plain.iter().any(|word| text == format!("{word}==false")) {
        After::Failure
    } else {
        let rest = text.strip_prefix("prev.responseCode")?;
        let (is, code) = match rest.strip_prefix("==") {
            Some(code) => (true, code),
            None => match rest.strip_prefix("!=") {
                Some(code) => (false, code),
                None => (true, rest.strip_prefix(".equals(")?),
            },
        };
        let code = code.trim_matches('"');
        let good = code == "101" || code.len() == 3 && code.starts_with('2');
        let refused = code == "429" || code == "503";
        match (good, refused, is) {
            (true, _, true) => After::Success,
            (true, _, false) | (_, true, true) => After::Failure,
            _ => return None,
        }
    };
    Some(if not { found.not() } else { found })
}

/// The end of a simple statement: a semicolon, a closing brace, or a line that the next one does not carry on.
fn end(tokens: &[Token]) -> usize {
    let mut open = 0_i32;
    for (nth, token) in tokens.iter().enumerate() {
        if open == 0 && nth > 0 {
            let new_line = tokens[nth - 1].line < token.line && !token.is(".");
            let carries_on = matches!(tokens[nth - 1].kind, Kind::Mark(mark) if mark != ")" && mark != "]" && mark != "++" && mark != "--");
            if token.is(";") || token.is("else") || new_line && !carries_on {
                return nth;
            }
        }
        open += i32::from(token.is("(") || token.is("[")) - i32::from(token.is(")") || token.is("]"));
    }
    tokens.len()
}

/// What is in the brackets of a call, if that is all.
fn call<'t>(tokens: &'t [Token], name: &[&str]) -> Option<&'t [Token]> {
    let named = tokens.len() > name.len() && name.iter().zip(tokens).all(|(word, token)| token.is(word));
    let whole = named && tokens[name.len()].is("(") && behind(tokens, name.len()) == Some(tokens.len());
    whole.then(|| &tokens[name.len() + 1..tokens.len() - 1])
}

pub(super) fn top_level_comma(tokens: &[Token]) -> Option<usize> {
    let mut open = 0_i32;
    tokens.iter().position(|token| {
        open += i32::from(token.is("(") || token.is("[")) - i32::from(token.is(")") || token.is("]"));
        open == 0 && token.is(",")
    })
}

fn joined(tokens: &[Token]) -> String {
    let one = |token: &Token| match &token.kind {
        Kind::Word(word) => word.clone(),
        Kind::Number(number) => number.to_string(),
        Kind::Text(text) => format!("\"{text}\""),
        Kind::Mark(mark) => (*mark).to_owned(),
    };
    tokens.iter().map(one).collect()
}

/// The begin of a statement, for people.
fn shown(tokens: &[Token]) -> String {
    let line = tokens[0].line;
    let same: Vec<Token> = tokens
        .iter()
        .take_while(|token| token.line == line)
        .cloned()
        .collect();
    joined(&same).chars().take(80).collect()
}
