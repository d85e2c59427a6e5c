//! Answers requests that ask for no upgrade: under the same limits, tokens and faults, on connections that stay open.

use crate::answers::Answer;
use crate::body::{self, Trouble};
use crate::config::{Config, Refusal};
use crate::connection::{Next, Origin, finish};
use crate::fault::{Effect, Fault};
use crate::misbehave;
use crate::request::{Plain, Request};
use crate::shared::{Attempt, Denied, Seat};
use crate::stream::Stream;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;
use units::format_duration;

const TEXT: &str = "text/plain; charset=utf-8";

/// What becomes of an attempt, decided when its head is complete.
enum Course {
    /// A fault strikes that asks no limit.
    Fault(Fault, Effect),
    Refused(Answer),
    /// Refused without an answer.
    Odd,
    /// Perhaps in a strange way.
    LetIn(Seat, Option<Fault>),
}

/// A plain request and where its answer goes.
struct Exchange<'a, 'b> {
    origin: &'a Origin<'b>,
    stream: &'a mut Stream,
    /// What came behind the head: the body's beginning, or a next request.
    buffer: &'a mut Vec<u8>,
    path: &'a str,
    bearer: Option<&'a str>,
    plain: &'a Plain,
}

/// Answers one request.
pub(crate) async fn respond(
    origin: &Origin<'_>,
    stream: &mut Stream,
    buffer: &mut Vec<u8>,
    request: &Request,
    plain: &Plain,
) -> Next {
    let exchange = Exchange {
        origin,
        stream,
        buffer,
        path: &request.path,
        bearer: request.bearer.as_deref(),
        plain,
    };
    match exchange.page() {
        Some(page) => exchange.show(page).await,
        None => exchange.decide().await,
    }
}

impl Exchange<'_, '_> {
    /// The server's own pages, which are no attempts and which no limit sees.
    fn page(&self) -> Option<Answer> {
        let shared = self.origin.shared;
        let reads = self.plain.method == "GET" || self.is_head();
        match self.path.split('?').next() {
            Some("/stats") if reads => {
                let stats = serde_json::to_vec(&shared.stats()).expect("numbers and texts");
                Some(Answer::new(200, stats, "application/json").with("Cache-Control: no-store\r\n"))
            }
            Some("/stats") => Some(Answer::bare(405).with("Allow: GET, HEAD\r\n")),
            Some("/") if reads => Some(Answer::new(200, introduction(&shared.config).into_bytes(), TEXT)),
            _ => None,
        }
    }

    async fn show(mut self, page: Answer) -> Next {
        match self.read_body().await {
            Ok(_) => self.answer(page, None).await,
            Err(trouble) => self.give_up(trouble, None).await,
        }
    }

    /// An attempt: faults, then the token, then the limit, as with an upgrade; the body is read behind the decision.
    async fn decide(mut self) -> Next {
        let (mut attempt, ordinal) = self.origin.begin(self.path);
        if let Err(refused) = self.plain.body.check() {
            return self.give_up(Trouble::Refused(refused), Some(attempt)).await;
        }
        let course = match self.course(ordinal) {
            Course::Refused(refusal) if self.awaits_continue() => {
                // The body may come nevertheless, or not: no other request can follow.
                attempt.answered(refusal.status);
                return self.end(refusal).await;
            }
            course => course,
        };
        let received = match self.read_body().await {
            Ok(received) => received,
            Err(trouble) => return self.give_up(trouble, Some(attempt)).await,
        };
        match course {
            Course::Fault(fault, effect) => {
                let shared = self.origin.shared;
                misbehave::fail(fault, effect, shared, self.stream, attempt, self.path).await
            }
            Course::Odd => misbehave::refuse_oddly(self.origin.shared, self.stream, attempt, None).await,
            Course::Refused(refusal) => {
                attempt.answered(refusal.status);
                self.answer(refusal, None).await
            }
            Course::LetIn(seat, fault) => {
                if !seat.delay.is_zero() {
                    sleep(seat.delay).await;
                }
                let answer = self.work(ordinal, received).await;
                if let Some(fault) = fault {
                    attempt.struck_by(fault);
                }
                // Both before the answer: who has it may come again at once.
                drop(seat);
                attempt.answered(answer.status);
                self.answer(answer, fault).await
            }
        }
    }

    fn course(&self, ordinal: u64) -> Course {
        let shared = self.origin.shared;
        // The answer to a HEAD has no body, with which most faults play.
        let fault = shared.chooser.choose(ordinal).filter(|_| !self.is_head());
        let fault = fault.and_then(|fault| Some((fault, fault.effect()?)));
        match fault {
            Some((fault, effect)) if effect != Effect::Accepts => Course::Fault(fault, effect),
            fault => match shared.admit(self.path, self.bearer) {
                Err(Denied::Throttled(_))
                    if !matches!(
                        shared.config.refusal,
                        Refusal::Answer | Refusal::AcceptAndClose(_)
                    ) =>
                {
                    Course::Odd
                }
                Err(Denied::Throttled(refusal) | Denied::NoToken(refusal)) => Course::Refused(refusal),
                Ok(seat) => {
                    let fault = fault.map(|(fault, _)| fault);
                    Course::LetIn(
                        seat,
                        fault.filter(|fault| misbehave::strikes_plain(*fault, self.plain.http11)),
                    )
                }
            },
        }
    }

    /// The answer of an attempt that is let in, after the time that it takes.
    async fn work(&self, ordinal: u64, received: u64) -> Answer {
        let shared = self.origin.shared;
        let mint = shared.mint_at(self.path);
        let delay = mint.map_or(shared.config.delay, |mint| mint.config.delay);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let Some(mint) = mint else {
            let (method, path) = (&self.plain.method, self.path);
            let body = json!({"status": 200, "attempt": ordinal, "method": method, "path": path, "received": received});
            return Answer::json(200, &body);
        };
        let (token, expires_in) = mint.issue(shared.elapsed());
        let body = json!({"access_token": token, "expires_in": expires_in, "token_type": "Bearer"});
        Answer::json(200, &body).with("Cache-Control: no-store\r\nPragma: no-cache\r\n")
    }

    /// Whether the client holds its body back until it is told to go on.
    fn awaits_continue(&self) -> bool {
        self.plain.expects_continue && !self.plain.body.is_empty() && self.buffer.is_empty()
    }

    async fn read_body(&mut self) -> Result<u64, Trouble> {
        if self.awaits_continue() {
            self.plain.body.check().map_err(Trouble::Refused)?;
            let sent = write(self.stream, b"HTTP/1.1 100 Continue\r\n\r\n").await;
            if !sent {
                return Err(Trouble::Left);
            }
        }
        body::skip(self.stream, self.buffer, self.plain.body).await
    }

    async fn give_up(self, trouble: Trouble, attempt: Option<Attempt>) -> Next {
        if let Trouble::Refused(refused) = trouble {
            let answer = refused.answer();
            if let Some(mut attempt) = attempt {
                attempt.answered(answer.status);
            }
            finish(self.stream, &answer.bytes()).await;
        }
        Next::Done
    }

    /// Answers, and ends the connection.
    async fn end(self, answer: Answer) -> Next {
        let answer = answer.with("Connection: close\r\n");
        finish(self.stream, &self.shown(&answer)).await;
        Next::Done
    }

    /// Answers, and leaves the connection open where the client wants that.
    async fn answer(self, mut answer: Answer, fault: Option<Fault>) -> Next {
        if !self.plain.keep_alive && fault.is_none() {
            return self.end(answer).await;
        }
        if !self.plain.http11 {
            answer = answer.with("Connection: keep-alive\r\n");
        }
        let bytes = self.shown(&answer);
        let goes_on = match fault {
            None => write(self.stream, &bytes).await,
            Some(fault) => misbehave::answer(fault, self.origin.shared, self.stream, &bytes).await,
        };
        if goes_on && self.plain.keep_alive {
            return Next::Again;
        }
        Next::Done
    }

    /// The bytes of the answer; for a HEAD without the body, whose length they tell.
    fn shown(&self, answer: &Answer) -> Vec<u8> {
        if self.is_head() {
            answer.head()
        } else {
            answer.bytes()
        }
    }

    fn is_head(&self) -> bool {
        self.plain.method == "HEAD"
    }
}

/// Whether all of it was sent. TLS keeps bytes back until it is flushed.
async fn write(stream: &mut Stream, bytes: &[u8]) -> bool {
    stream.write_all(bytes).await.is_ok() && stream.flush().await.is_ok()
}

fn introduction(config: &Config) -> String {
    let faults: Vec<_> = config.faults.iter().map(ToString::to_string).collect();
    let own: String = config
        .limits_at
        .iter()
        .map(|own| format!("limit at {own}\n"))
        .collect();
    let token = config.token.as_ref().map_or_else(String::new, |token| {
        format!(
            "tokens: {}, good for {}{}\n",
            token.path,
            format_duration(token.ttl),
            if token.required {
                ", required everywhere else"
            } else {
                ""
            }
        )
    });
    format!(
        "The test server of ws-backoff: it throttles and misbehaves on request. A WebSocket on any path is an echo, a plain\n\
         request to any path but / and /stats is answered with a short JSON text.\n\
         limit: {}\n{own}{token}refusals: {}, status {}, retry-after {}\nfaults: {}\nfigures: GET /stats\n",
        config.limit,
        config.refusal,
        config.status,
        config.retry_after,
        if faults.is_empty() {
            "none".to_owned()
        } else {
            faults.join(" ")
        },
    )
}
