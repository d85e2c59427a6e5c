//! Kinds of groups besides JMeter's Thread Group, and the fields that few plans need.

use super::Group;

/// What a group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Threads,
    Virtual,
    SetUp,
    TearDown,
}

impl Kind {
    /// Its class and its panel's.
    pub(super) fn names(self) -> (&'static str, &'static str) {
        match self {
            Self::Threads => ("ThreadGroup", "ThreadGroupGui"),
            Self::Virtual => (
                "io.github.wsbackoff.threads.VirtualUserGroup",
                "io.github.wsbackoff.gui.VirtualUserGroupGui",
            ),
            Self::SetUp => ("SetupThreadGroup", "SetupThreadGroupGui"),
            Self::TearDown => ("PostThreadGroup", "PostThreadGroupGui"),
        }
    }
}

impl Group {
    /// Its users are virtual threads.
    #[must_use]
    pub fn virtual_users(mut self) -> Self {
        self.kind = Kind::Virtual;
        self
    }

    /// It runs before all others.
    #[must_use]
    pub fn set_up(mut self) -> Self {
        self.kind = Kind::SetUp;
        self
    }

    /// It runs after all others.
    #[must_use]
    pub fn tear_down(mut self) -> Self {
        self.kind = Kind::TearDown;
        self
    }

    /// What a failed sample does, as JMeter calls it: `startnextloop`, `stopthread`, `stoptest`, `stoptestnow`.
    #[must_use]
    pub fn on_error(mut self, action: &'static str) -> Self {
        self.on_error = action;
        self
    }

    /// Makes each user only when it begins.
    #[must_use]
    pub fn delayed_start(mut self) -> Self {
        self.delayed_start = true;
        self
    }

    /// Begins so many seconds later: JMeter's schedule, which wants a [duration](Group::lasting), too.
    #[must_use]
    pub fn after(mut self, seconds: u32) -> Self {
        self.delay_seconds = seconds;
        self
    }

    /// Has another user go through each loop.
    #[must_use]
    pub fn another_user_each_loop(mut self) -> Self {
        self.same_user = false;
        self
    }
}
