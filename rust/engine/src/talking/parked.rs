//! Does an operation on an open connection as a call of the [reactor](crate::reactor): drives [`conversation::talk`] as
//! [`crate::talking::talk`] does, but that it gives its thread back in place of blocking it. The lock of the connection is held from one
//! wait to the next.

use std::sync::MutexGuard;
use std::time::{Duration, Instant};

use conversation::talk::{Step, Talk};
use websocket::{Closed, Error, Interest, Outgoing, Received, Sending};

use crate::failure::Failure;
use crate::keeping::live::Live;
use crate::keeping::slot::Hold;
use crate::reactor::Berth;
use crate::talking::figures::Figures;
use crate::talking::operation::{CloseSpec, Operation};
use crate::talking::talk::{Ended, Looked, act, conclude, failed, look, own_ping, said_goodbye, start};

/// So many steps of one operation before others have their turn: a peer that sends without end must not hold them up.
const STEPS: usize = 64;

/// How long a peer that answered our close frame is given to close TCP before we do, as on a thread of our own.
const END_PATIENCE: Duration = Duration::from_millis(200);

/// A connection that is there as long as its call holds it.
type Locked<'a> = MutexGuard<'a, Option<Live>>;

fn there<'a>(locked: &'a mut Locked<'_>) -> &'a mut Live {
    locked
        .as_mut()
        .expect("only a call takes it away, and this is the call")
}

/// As [`crate::talking::talk::perform`].
///
/// # Errors
/// Why it was not done as asked; what was done is in `figures` all the same.
pub async fn perform(
    hold: &Hold,
    berth: &Berth,
    operation: &Operation,
    given: Option<&[u8]>,
    begun: Instant,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    let own = own_ping(&operation.action);
    let act = match act(&operation.action, given, &own) {
        Ok(act) => act,
        Err(goodbye) => return close(hold, berth, goodbye, operation.timeout, figures).await,
    };
    let start = start(begun, figures);
    let mut talk = Talk::new(act, operation.timeout, start, &mut figures.tally);
    let mut driver = Driver {
        hold,
        berth,
        timeout: operation.timeout,
        has_read_all: false,
        last_look: None,
    };
    let broken = driver.drive(&mut talk).await.err();
    let ended = Ended::new(talk);
    conclude(ended, broken, begun, figures)
}

struct Driver<'a> {
    hold: &'a Hold,
    berth: &'a Berth,
    timeout: Duration,
    /// All that was there before the sending has been read: the reactor tells of what comes since, and to look for it is a system call.
    has_read_all: bool,
    /// An end of a time, and the one read behind it whose messages count: we may have been held up while the answer came.
    last_look: Option<(Instant, Instant)>,
}

impl Driver<'_> {
    /// Takes the steps of an operation, until it is done or the connection fails it.
    async fn drive(&mut self, talk: &mut Talk<'_>) -> Result<(), Failure> {
        let mut steps = 0;
        loop {
            steps += 1;
            if steps % STEPS == 0 {
                self.berth.give_way().await;
            }
            let step = talk.step(&mut there(&mut self.hold.live()).queue);
            match step {
                Step::Look => self.look(talk).await?,
                Step::Send(message) => self.send(talk, &message).await?,
                Step::Wait => self.wait(talk).await?,
                Step::Again => talk.again(Instant::now()),
                Step::Done => return Ok(()),
            }
        }
    }

    async fn look(&mut self, talk: &mut Talk<'_>) -> Result<(), Failure> {
        while look(there(&mut self.hold.live()), talk, self.timeout)? == Looked::Behind {
            self.berth.give_way().await;
        }
        // What is held back is told to the next who reads.
        self.has_read_all = !there(&mut self.hold.live()).connection.is_held();
        Ok(())
    }

    async fn send(&mut self, talk: &mut Talk<'_>, message: &Outgoing<'_>) -> Result<(), Failure> {
        let end = talk.start().checked_add(self.timeout);
        let mut sending = None;
        loop {
            let parked = {
                let mut locked = self.hold.live();
                let live = there(&mut locked);
                match advance(live, message, &mut sending) {
                    Ok(Some(wire_bytes)) => {
                        talk.sent(wire_bytes);
                        return Ok(());
                    }
                    Ok(None) if end.is_some_and(|end| Instant::now() >= end) => {
                        return Err(self.late(talk, live, message, sending));
                    }
                    Ok(None) => self.berth.wait(live, Interest::Write, end),
                    Err(error) => return Err(failed(live, &error)),
                }
            };
            parked.await;
            self.has_read_all = false;
        }
    }

    /// The time for a sending is up.
    fn late(
        &self,
        talk: &mut Talk<'_>,
        live: &mut Live,
        message: &Outgoing<'_>,
        sending: Option<Sending<'_>>,
    ) -> Failure {
        let begun = sending.is_some();
        if let Some(sending) = sending {
            live.connection.give_up(sending);
        }
        talk.not_sent(begun, &mut live.queue);
        let error = Error::SendTimeout {
            length: message.payload.len(),
            begun,
            after: self.timeout,
        };
        failed(live, &error)
    }

    /// Whether a message that was read at `at` came too late. As on a thread that blocks, a peer that sends without end must not
    /// extend the time.
    fn is_too_late(&mut self, end: Option<Instant>, at: Instant) -> bool {
        let Some(end) = end.filter(|&end| at >= end) else {
            return false;
        };
        match self.last_look {
            Some((of, look)) if of == end => look != at,
            _ => {
                self.last_look = Some((end, at));
                false
            }
        }
    }

    async fn wait(&mut self, talk: &mut Talk<'_>) -> Result<(), Failure> {
        let end = talk.start().checked_add(self.timeout);
        loop {
            let parked = {
                let mut locked = self.hold.live();
                let live = there(&mut locked);
                let is_late = end.is_some_and(|end| Instant::now() >= end);
                let found = if std::mem::take(&mut self.has_read_all) && !is_late {
                    Ok(None)
                } else {
                    live.receive_now()
                };
                match found {
                    Ok(Some(Received {
                        close: Some(closed), ..
                    })) => return Err(Failure::closed(&closed)),
                    Ok(Some(message)) => {
                        let is_too_late = self.is_too_late(end, message.at);
                        talk.came(message, &mut live.queue);
                        if is_too_late && !talk.is_done() {
                            talk.late(&mut live.queue);
                        }
                        return Ok(());
                    }
                    Ok(None) if is_late => {
                        talk.late(&mut live.queue);
                        return Ok(());
                    }
                    Ok(None) if live.connection.is_behind() => self.berth.give_way(),
                    Ok(None) => match live.due() {
                        Some(due) if due <= Instant::now() => {
                            live.keep_alive();
                            continue;
                        }
                        due => {
                            let until = [due, end].into_iter().flatten().min();
                            let interest = live.connection.interest();
                            self.berth.wait(live, interest, until)
                        }
                    },
                    Err(error) => return Err(failed(live, &error)),
                }
            };
            parked.await;
        }
    }
}

/// Sends as much as the socket takes. When all is out, the bytes of its frames.
fn advance<'a>(
    live: &mut Live,
    message: &Outgoing<'a>,
    sending: &mut Option<Sending<'a>>,
) -> Result<Option<u64>, Error> {
    if sending.is_none() {
        *sending = live.connection.begin(message)?;
    }
    let Some(sending) = sending else {
        return Ok(None);
    };
    let is_out = live.connection.advance(sending)?;
    Ok(is_out.then(|| sending.wire_bytes()))
}

async fn close(
    hold: &Hold,
    berth: &Berth,
    goodbye: &CloseSpec,
    timeout: Duration,
    figures: &mut Figures,
) -> Result<Vec<u8>, Failure> {
    let mut parting = Parting::new(goodbye, timeout);
    loop {
        let parked = {
            let mut locked = hold.live();
            let live = there(&mut locked);
            live.closed_here = true;
            if goodbye.abort {
                live.connection.abort();
                return Ok(Vec::new());
            }
            match parting.step(live) {
                Turn::Over(closed) => return said_goodbye(live, closed, figures),
                Turn::Behind => berth.give_way(),
                Turn::Wait(until) => {
                    let interest = live.connection.interest();
                    berth.wait(live, interest, Some(until))
                }
            }
        };
        parked.await;
    }
}

/// Says goodbye on a connection that nobody uses any more, and ends it.
pub async fn leave(live: &mut Live, berth: &Berth, goodbye: &CloseSpec, timeout: Duration) {
    let mut parting = Parting::new(goodbye, timeout);
    loop {
        let parked = match parting.step(live) {
            // Nobody can do more about a peer that does not answer.
            Turn::Over(_) => return,
            Turn::Behind => berth.give_way(),
            Turn::Wait(until) => {
                let interest = live.connection.interest();
                berth.wait(live, interest, Some(until))
            }
        };
        parked.await;
    }
}

/// A close handshake under way.
struct Parting<'a> {
    goodbye: &'a CloseSpec,
    timeout: Duration,
    end: Instant,
    /// What the peer said, and until when it is given time to end TCP.
    answered: Option<(Closed, Instant)>,
}

enum Turn {
    Over(Result<Closed, Error>),
    Behind,
    Wait(Instant),
}

impl<'a> Parting<'a> {
    fn new(goodbye: &'a CloseSpec, timeout: Duration) -> Self {
        // A year stands for ever.
        let longest = Duration::from_secs(365 * 24 * 3600);
        Parting {
            goodbye,
            timeout,
            end: Instant::now() + timeout.min(longest),
            answered: None,
        }
    }

    fn step(&mut self, live: &mut Live) -> Turn {
        if self.answered.is_none() {
            match live.connection.close_now(self.goodbye.code, &self.goodbye.reason) {
                Ok(Some(closed)) => {
                    let patience = Instant::now() + END_PATIENCE;
                    self.answered = Some((closed, patience.min(self.end)));
                }
                Ok(None) if Instant::now() >= self.end => {
                    live.connection.part();
                    return Turn::Over(Err(Error::CloseTimeout { after: self.timeout }));
                }
                Ok(None) if live.connection.is_behind() => return Turn::Behind,
                Ok(None) => return Turn::Wait(self.end),
                Err(error) => {
                    live.connection.part();
                    return Turn::Over(Err(error));
                }
            }
        }
        match &mut self.answered {
            Some((_, until)) if !live.connection.has_parted() && Instant::now() < *until => {
                Turn::Wait(*until)
            }
            answered => {
                live.connection.part();
                let closed = answered.take().map(|(closed, _)| closed);
                Turn::Over(Ok(closed.expect("it was answered")))
            }
        }
    }
}
