//! Whose a refusal is: the quota's, which all meet, or one user's own (an account that is banned, say), which says nothing to the
//! others. What follows from it for rate and order is not here.
//!
//! One refusal looks like the other. But a quota refuses everybody alike, whoever was refused before no more often than others: of those
//! who come back as many are refused again as of those who come first. So far as more of them are, their refusals are their own; and
//! one who is refused again and again while others get in is one of those. But where many more are refused than are still out of all
//! who came, the quota is empty, whoever is kept out besides.

use super::Ticket;
use std::collections::HashMap;

/// So many of the others get in between two refusals of one user that count as two.
pub(super) const OTHERS: u64 = 2;
/// Of those who come first, and of those who get in, so many count as lately, and this share is refused at the start.
const RECENT: f64 = 20.0;
const SHARE: f64 = 0.05;
/// And so many who came back, refused as often as those who came first.
const BACK: f64 = 8.0;
/// As certain as this, and a user is taken for one whose refusals are its own.
const CERTAIN: f64 = 0.95;
/// Refusals in a row that are all their users' own less likely than this are the quota's.
const BY_CHANCE: f64 = 0.01;

/// What is known of one who was refused and has not got in since.
#[derive(Debug, Clone, Copy)]
struct Record {
    /// How many had got in by the latest refusal, and how many refusals there had been.
    passes: u64,
    refusals: u64,
    /// How many of its refusals count.
    strikes: i32,
    /// Nobody had got in since the refusal before: only those go who were refused, and not by turns, whoever keeps them out.
    in_vain: bool,
    /// Refused more than once, and likely for its own sake: it costs the others fewer turns until that is certain.
    suspect: bool,
    own: bool,
}

#[derive(Debug, Clone)]
pub(super) struct Blame {
    records: HashMap<Ticket, Record>,
    passes: u64,
    /// Refusals that were not known to be their users' own.
    refusals: u64,
    /// Of those who came first lately, the share that was refused.
    share: f64,
    /// Of those who came back: how often one got in, how often one was refused again.
    healed: u64,
    again: u64,
    /// How likely all refusals since the latest success are their users' own.
    chance: f64,
}

impl Default for Blame {
    fn default() -> Self {
        Self {
            records: HashMap::new(),
            passes: 0,
            refusals: 0,
            share: SHARE,
            healed: 0,
            again: 0,
            chance: 1.0,
        }
    }
}

impl Blame {
    /// How many got in.
    pub(super) fn passes(&self) -> u64 {
        self.passes
    }

    /// How many had got in when this one was refused last, and how many were refused before it; `None`: it was not, or has got in.
    pub(super) fn refused_at(&self, ticket: Ticket) -> Option<(u64, u64)> {
        let record = self.records.get(&ticket)?;
        Some((record.passes, record.refusals))
    }

    /// Whether it comes back by its own backoff.
    pub(super) fn rests(&self, ticket: Ticket) -> bool {
        let record = self.records.get(&ticket);
        record.is_some_and(|record| record.own || record.suspect || record.in_vain)
    }

    /// It makes no further attempt.
    pub(super) fn forget(&mut self, ticket: Ticket) {
        self.records.remove(&ticket);
    }

    pub(super) fn passed(&mut self, ticket: Ticket) {
        self.passes += 1;
        self.chance = 1.0;
        // Also by those who come back: when nobody comes first any more, what was known of the quota would be of long ago.
        self.share -= self.share / RECENT;
        self.healed += u64::from(self.records.remove(&ticket).is_some());
    }

    /// Whether a refusal is to be taken for the quota's, as it is for sure where something explains it.
    pub(super) fn refused(&mut self, ticket: Ticket, explained: bool) -> bool {
        let (passes, refusals) = (self.passes, self.refusals);
        let record = self.records.entry(ticket).or_insert(Record {
            passes,
            refusals,
            strikes: 0,
            in_vain: false,
            suspect: false,
            own: false,
        });
        if record.own {
            return false;
        }
        if explained {
            (record.passes, record.refusals) = (passes, refusals + 1);
            self.refusals += 1;
            return true;
        }
        let first = record.strikes == 0;
        let again = !first && passes - record.passes >= OTHERS;
        record.in_vain = !first && passes == record.passes;
        if first {
            record.strikes = 1;
            self.share += (1.0 - self.share) / RECENT;
        } else if again {
            (record.strikes, self.again) = (record.strikes + 1, self.again + 1);
        }
        (record.passes, record.refusals) = (passes, refusals + 1);
        self.refusals += 1;
        let strikes = record.strikes;
        let (share, own) = (self.share, self.own_of_refused());
        let odds = own / (1.0 - own) * share.powi(1 - strikes);
        let certain = strikes > 1 && odds > CERTAIN / (1.0 - CERTAIN);
        if let Some(record) = self.records.get_mut(&ticket) {
            // Not by its first refusal: whoever rests for nothing may be among the last, behind those who are never let in.
            record.suspect = strikes > 1 && odds > 1.0;
            record.own = certain;
        }
        if certain {
            return false;
        }
        // The same one again, and nobody got in since, is no news.
        self.chance *= match (first, again) {
            (true, _) => share * own,
            (false, true) => odds / (1.0 + odds),
            (false, false) => 1.0,
        };
        odds <= 1.0 || self.chance <= BY_CHANCE
    }

    /// Of those who were refused once, the share whose refusals are their own.
    pub(super) fn own_of_refused(&self) -> f64 {
        let let_in = 1.0 - self.share;
        let came_back = (self.healed + self.again) as f64 + BACK;
        let own = 1.0 - (self.healed as f64 / let_in + BACK) / came_back;
        let out = self.records.len() as f64;
        let share_out = out / (out + self.passes as f64).max(1.0);
        own.min(share_out / self.share).clamp(0.0, 1.0)
    }
}
