//! Conditions of While and If Controllers, as far as they ask for a flag and a number of tries.

use super::tokens::{Kind, Token, tokens};

/// What a condition asks, all of it at once.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Asked {
    /// Whether a variable is this text, or is not.
    Flag {
        variable: String,
        is: bool,
        text: String,
    },
    /// Whether a variable is below this number.
    Below { variable: String, number: f64 },
}

const FUNCTIONS: [&str; 4] = ["__jexl3", "__jexl2", "__groovy", "__javaScript"];

/// Everything that a condition asks, if nothing else is in it.
pub(super) fn asked(condition: &str) -> Option<Vec<Asked>> {
    let tokens = plain(&tokens(expression(condition.trim()))?)?;
    tokens
        .split(|token| token.is("&&") || token.is("and"))
        .map(one)
        .collect()
}

/// What is inside of `${__jexl3(...)}` and its like.
fn expression(condition: &str) -> &str {
    let inside = |name: &str| {
        let rest = condition
            .strip_prefix("${")?
            .strip_prefix(name)?
            .strip_prefix('(')?;
        rest.strip_suffix(")}")
            .map(|inner| inner.trim_end_matches([',', ' ']))
    };
    FUNCTIONS
        .iter()
        .find_map(|name| inside(name))
        .unwrap_or(condition)
}

/// The tokens with each way to read a variable as `${variable}`, and without brackets.
fn plain(tokens: &[Token]) -> Option<Vec<Token>> {
    let mut out: Vec<Token> = Vec::new();
    let mut rest = tokens;
    while let Some(token) = rest.first() {
        let line = token.line;
        let word = |name: &str| Token {
            kind: Kind::Word(format!("${{{name}}}")),
            line,
        };
        match rest {
            [
                vars,
                dot,
                get,
                open,
                Token {
                    kind: Kind::Text(name),
                    ..
                },
                close,
                behind @ ..,
            ] if vars.is("vars") && dot.is(".") && get.is("get") && open.is("(") && close.is(")") => {
                out.push(word(name));
                rest = behind;
            }
            [dot, call, open, text, close, behind @ ..]
                if dot.is(".") && call.is("equals") && open.is("(") && close.is(")") =>
            {
                out.push(Token {
                    kind: Kind::Mark("=="),
                    line,
                });
                out.push(text.clone());
                rest = behind;
            }
            [dot, call, open, close, behind @ ..]
                if dot.is(".")
                    && (call.is("toInteger") || call.is("trim"))
                    && open.is("(")
                    && close.is(")") =>
            {
                rest = behind;
            }
            [integer, dot, call, behind @ ..]
                if integer.is("Integer") && dot.is(".") && call.is("parseInt") =>
            {
                rest = behind;
            }
            [cast, kind, behind @ ..] if cast.is("as") && (kind.is("int") || kind.is("Integer")) => {
                rest = behind;
            }
            [bracket, behind @ ..] if bracket.is("(") || bracket.is(")") => rest = behind,
            // Which of two holds cannot be said without brackets.
            [or, ..] if or.is("||") || or.is("or") || or.is("?") => return None,
            [other, behind @ ..] => {
                out.push(match &other.kind {
                    Kind::Text(text) if text.starts_with("${") && text.ends_with('}') => Token {
                        kind: Kind::Word(text.clone()),
                        line,
                    },
                    _ => other.clone(),
                });
                rest = behind;
            }
            [] => break,
        }
    }
    Some(out)
}

fn one(tokens: &[Token]) -> Option<Asked> {
    let (not, tokens) = match tokens {
        [not, rest @ ..] if not.is("!") => (true, rest),
        all => (false, all),
    };
    let [
        left,
        Token {
            kind: Kind::Mark(mark),
            ..
        },
        right,
    ] = tokens
    else {
        return None;
    };
    let variable = variable(left)?;
    let text = match &right.kind {
        Kind::Text(text) => text.clone(),
        Kind::Word(word) if !word.starts_with('$') => word.clone(),
        Kind::Number(number) if !not => {
            return match *mark {
                "<" => Some(Asked::Below {
                    variable,
                    number: *number,
                }),
                "<=" => Some(Asked::Below {
                    variable,
                    number: number + 1.0,
                }),
                _ => None,
            };
        }
        _ => return None,
    };
    let is = match *mark {
        "==" => !not,
        "!=" => not,
        _ => return None,
    };
    Some(Asked::Flag { variable, is, text })
}

fn variable(token: &Token) -> Option<String> {
    match &token.kind {
        Kind::Word(word) => {
            let name = word.strip_prefix("${")?.strip_suffix('}')?;
            (!name.starts_with("__")).then(|| name.to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_question_in_many_spellings_is_read_as_one() {
        let expected = vec![
            Asked::Flag {
                variable: "ok".to_owned(),
                is: false,
                text: "true".to_owned(),
            },
            Asked::Below {
                variable: "n".to_owned(),
                number: 4.0,
            },
        ];
        for condition in [
            "${__jexl3(\"${ok}\" != \"true\" && ${n} < 4)}",
            "${__jexl3(\"${ok}\" != \"true\" and ${n} < 4,)}",
            "${__javaScript('${ok}' != 'true' && ${n} <= 3)}",
            "${__groovy(vars.get(\"ok\") != \"true\" && vars.get(\"n\").toInteger() < 4)}",
            "${__groovy(!vars.get('ok').equals('true') && (vars.get('n') as int) < 4)}",
            "${__groovy(!(vars.get(\"ok\") == \"true\") && Integer.parseInt(vars.get(\"n\")) < 4)}",
            "\"${ok}\" != \"true\" && ${n} < 4",
        ] {
            assert_eq!(asked(condition).as_ref(), Some(&expected), "{condition}");
        }
    }

    #[test]
    fn a_condition_that_asks_for_more_is_not_read() {
        for condition in [
            "LAST",
            "",
            "${__jexl3(\"${ok}\" != \"true\" || ${n} < 4)}",
            "${__groovy(new File('x').exists())}",
            "${__jexl3(${n} > 4)}",
            "${__jexl3(\"${ok}\" != \"${other}\")}",
            "${__jexl3(size(\"${ok}\") < 4)}",
        ] {
            assert_eq!(asked(condition), None, "{condition}");
        }
    }
}
