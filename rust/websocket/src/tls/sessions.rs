//! The TLS sessions that a user may take up again, for as long as his visit lasts.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex, Weak};

use rustls::ClientConfig;
use rustls::client::{ClientSessionMemoryCache, Resumption};

use super::{Shared, lock};

/// A configuration, and for which options it was made.
type OfOptions = (Weak<Shared>, Weak<ClientConfig>);

/// The sessions of one user towards all servers; clones are the same.
#[derive(Clone)]
pub struct Sessions {
    store: Arc<ClientSessionMemoryCache>,
    /// The configuration with this store, as long as a connection has it: all of a user's have the same.
    config: Arc<Mutex<Option<OfOptions>>>,
}

/// A user talks to few servers; each has up to 8 tickets of TLS 1.3.
const SESSIONS_OF_A_USER: usize = 32;

impl Default for Sessions {
    fn default() -> Self {
        Sessions {
            store: Arc::new(ClientSessionMemoryCache::new(SESSIONS_OF_A_USER)),
            config: Arc::default(),
        }
    }
}

/// The sessions of each user, and at which of his visits they were made: an element that is made anew within the test finds them.
static VISITORS: LazyLock<Mutex<HashMap<String, (u64, Sessions)>>> = LazyLock::new(Mutex::default);

/// Arrivals without end have names without end: beyond that many, the sessions that nobody holds go.
const MOST_VISITORS: usize = 10_000;

impl Sessions {
    /// Those of `user` in the whole process. With another `visit` it is somebody else under the same name, who knows nothing of
    /// the sessions before.
    #[must_use]
    pub fn of(user: &str, visit: u64) -> Self {
        let mut visitors = lock(&VISITORS);
        if let Some((_, sessions)) = visitors.get(user).filter(|(known, _)| *known == visit) {
            return sessions.clone();
        }
        if visitors.len() >= MOST_VISITORS {
            visitors.retain(|_, (_, sessions)| Arc::strong_count(&sessions.store) > 1);
        }
        let new = Sessions::default();
        visitors.insert(user.to_owned(), (visit, new.clone()));
        new
    }

    /// The configuration of `shared` with these sessions.
    pub(super) fn config(&self, shared: &Arc<Shared>, common: &ClientConfig) -> Arc<ClientConfig> {
        let mut last = lock(&self.config);
        let same = last.as_ref().filter(|(of, _)| of.as_ptr() == Arc::as_ptr(shared));
        if let Some(config) = same.and_then(|(_, config)| config.upgrade()) {
            return config;
        }
        // A dozen of reference counts; what verifies and what signs stays the same, which rustls asks for to resume.
        let mut own = ClientConfig::clone(common);
        own.resumption = Resumption::store(self.store.clone());
        let own = Arc::new(own);
        *last = Some((Arc::downgrade(shared), Arc::downgrade(&own)));
        own
    }

    /// Nobody comes back: the test has ended.
    pub fn forget_all() {
        lock(&VISITORS).clear();
    }
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sessions")
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Tls, TlsOptions};
    use super::*;

    #[test]
    fn the_connections_of_a_user_share_one_configuration_and_two_users_none() {
        let of = |sessions: &Sessions, ca: u8| {
            let options = TlsOptions {
                verify: false,
                extra_roots: vec![b"of a user's connections".to_vec(), vec![ca], vec![]],
                ..TlsOptions::default()
            };
            Tls::new(&options).unwrap().of_user(sessions.clone())
        };
        let (user, other) = (Sessions::default(), Sessions::default());
        let tls = of(&user, 0);
        let first = tls.config().unwrap();
        assert!(Arc::ptr_eq(&first, &of(&user, 0).config().unwrap()));
        assert!(!Arc::ptr_eq(&first, &of(&other, 0).config().unwrap()));
        assert!(!Arc::ptr_eq(&first, &of(&user, 1).config().unwrap()));
        assert_eq!(Arc::strong_count(&first), 1, "nobody else holds it");
    }

    #[test]
    fn a_user_keeps_his_sessions_for_as_long_as_his_visit_lasts() {
        let same = |a: &Sessions, b: &Sessions| Arc::ptr_eq(&a.store, &b.store);
        let first = Sessions::of("user 1", 0);
        assert!(same(&first, &Sessions::of("user 1", 0)));
        assert!(!same(&first, &Sessions::of("user 2", 0)));
        let next = Sessions::of("user 1", 1);
        assert!(!same(&first, &next) && same(&next, &Sessions::of("user 1", 1)));
        // An element that is made anew holds none meanwhile.
        let weak = Arc::downgrade(&next.store);
        drop((first, next));
        assert!(
            weak.upgrade()
                .is_some_and(|store| Arc::ptr_eq(&store, &Sessions::of("user 1", 1).store))
        );
        let held = Sessions::of("held", 0);
        for number in 0..MOST_VISITORS + 10 {
            drop(Sessions::of(&format!("arrival {number}"), 0));
        }
        assert!(lock(&VISITORS).len() <= MOST_VISITORS);
        assert!(same(&held, &Sessions::of("held", 0)));
        Sessions::forget_all();
        assert!(!same(&held, &Sessions::of("held", 0)));
    }
}
