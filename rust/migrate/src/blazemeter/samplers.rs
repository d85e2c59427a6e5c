//! Their samplers: what each of them sends and waits for, as ours say it.

use super::config::{self, Configs};
use super::{Move, PACKAGE, REASON};
use crate::behind;
use crate::jmx::{ItemId, NewElement, Plan};
use crate::ours;

/// A pattern that no message has: a Receive that looks for it listens for its whole time-out.
const NOTHING: &str = r"[^\s\S]";

/// One of their samplers; `named`: its connection needs a name.
pub(super) fn one(plan: &Plan, item: ItemId, named: bool) -> Result<Move, String> {
    let configs = Configs::of(plan, item)?;
    configs.can_move()?;
    let sampler = Sampler {
        plan,
        item,
        configs,
        named,
    };
    match plan.class(item).strip_prefix(PACKAGE) {
        Some("WebSocketSendSampler") => sampler.send(),
        Some("WebSocketCollectorSampler") => sampler.collect(),
        _ => Err("it is not known".to_owned()),
    }
}

struct Sampler<'a> {
    plan: &'a Plan,
    item: ItemId,
    configs: Configs<'a>,
    named: bool,
}

impl Sampler<'_> {
    fn text(&self, key: &str) -> String {
        self.plan.value_or(self.item, key, "")
    }

    fn is(&self, key: &str) -> bool {
        self.text(key) == "true"
    }

    /// With its connection, which the first that needs it opens.
    fn connected(&self, kind: &str) -> Result<NewElement, String> {
        // Its config tells what there is to say of the address.
        let url = self.configs.address().url(&mut Vec::new())?;
        let element = self.on_its_connection(ours::sampler(kind));
        Ok(element.with("wsb.url", url).with("wsb.whenOpen", "reuse"))
    }

    fn on_its_connection(&self, element: NewElement) -> NewElement {
        if self.named {
            element.with("wsb.connection", config::name(&self.configs.address()))
        } else {
            element
        }
    }

    fn send(&self) -> Result<Move, String> {
        let payload = self.text("payloadContent");
        if payload.is_empty() {
            let opens = "it sent nothing, and only opened the connection where none was open";
            return Ok(Move::to(self.connected("Connect")?).noting(opens));
        }
        let waits = self.is("waitUntilResponse");
        let element = self
            .connected(if waits { "Exchange" } else { "Send" })?
            .with("wsb.payloadType", "text")
            .with("wsb.payload", payload);
        if waits {
            self.waiting(element)
        } else {
            Ok(Move::to(element))
        }
    }

    fn collect(&self) -> Result<Move, String> {
        let (waits, closes) = (self.is("waitUntilResponse"), self.is("closeConnection"));
        let close = self
            .on_its_connection(ours::sampler("Close"))
            .with("wsb.close.code", "1000")
            .with("wsb.close.reason", REASON);
        let timeout = self.text("responseTimeout").trim().to_owned();
        let mut found = match (waits, closes) {
            (true, true) => {
                behind::can_follow(self.plan, self.item, "WebSocket Close (wsb)")?;
                let mut found = self.waiting(self.connected("Receive")?)?;
                found.close = Some(close);
                found
            }
            (true, false) => self.waiting(self.connected("Receive")?)?,
            (false, true) => Move::to(close)
                .noting("it closes a connection that is open, and fails where none is; theirs opened one first")
                .noting("its code is the server's close code and its data the server's reason, where theirs had all messages since the last look"),
            (false, false) => return Ok(gathering(self.connected("Receive")?, timeout)),
        };
        found.pause = Some(timeout).filter(|timeout| is_some_time(timeout));
        Ok(found)
    }

    /// One that waits for a message, in the way of theirs.
    fn waiting(&self, element: NewElement) -> Result<Move, String> {
        let pattern = self.text("responsePattern");
        let timeout = config::number_or_default(self.text("responseTimeout").trim().to_owned());
        if pattern.is_empty() {
            return Ok(gathering(element, timeout));
        }
        if !pattern.contains("${") && regex::Regex::new(&pattern).is_err() {
            return Err(format!(
                "it waits for the pattern {pattern:?}, which ws-backoff does not take"
            ));
        }
        let element = element
            .with("wsb.match.mode", "regex")
            .with("wsb.match.value", pattern)
            .with("wsb.readTimeout", timeout);
        Ok(Move::to(element).noting("its data is the message that matches, where theirs were all messages since the last look, sent ones too, with a line before each"))
    }
}

/// One that takes its whole time-out, whatever comes, and succeeds.
fn gathering(element: NewElement, timeout: String) -> Move {
    let timeout = if is_some_time(&timeout) {
        timeout
    } else {
        "1".to_owned()
    };
    let element = element
        .with("wsb.match.mode", "regex")
        .with("wsb.match.value", NOTHING)
        .with("wsb.readTimeout", timeout)
        .with("wsb.optional", "true")
        .with("wsb.result.discarded", "subresults");
    let mut found = Move::to(element).noting("it listens for its whole time-out, as before: it waits for what no message has, with success (code No message), and shows what came as sub-results. Where the plan needs a certain message, let it wait for that");
    found.gathers = true;
    found
}

/// What is no number was no time.
fn is_some_time(text: &str) -> bool {
    text.contains("${") || text.parse::<u64>().is_ok_and(|time| time > 0)
}

impl Move {
    fn to(element: NewElement) -> Self {
        Self {
            element,
            close: None,
            pause: None,
            gathers: false,
            notes: Vec::new(),
        }
    }

    fn noting(mut self, note: &str) -> Self {
        self.notes.push(note.to_owned());
        self
    }
}
