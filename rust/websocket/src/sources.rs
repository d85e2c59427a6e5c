//! The addresses of this machine that connections come from, where a user names some. One of them has a port for each of about 28,000
//! connections to one address and port (Linux, `net.ipv4.ip_local_port_range`); several have as many each.

use std::io;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

/// Where connections come from. Whoever names the same addresses in the same order takes turns with all others who do.
#[derive(Clone, Debug, Default)]
pub struct Sources(Option<Arc<List>>);

#[derive(Debug)]
struct List {
    addresses: Vec<IpAddr>,
    /// How many connections came from them.
    turns: AtomicUsize,
}

/// An address that no connection can come from.
#[derive(Debug, thiserror::Error)]
#[error("is no address of this machine ({source})")]
pub struct SourceError {
    /// Which one.
    pub address: IpAddr,
    source: io::Error,
}

/// The lists that are in use, so that equal ones are one.
static LISTS: Mutex<Vec<Weak<List>>> = Mutex::new(Vec::new());

impl Sources {
    /// These addresses, by turns; with none of them the system chooses.
    ///
    /// # Errors
    /// The first one that is none of this machine's.
    pub fn of(addresses: &[IpAddr]) -> Result<Self, SourceError> {
        if addresses.is_empty() {
            return Ok(Self::default());
        }
        let mut lists = LISTS.lock().unwrap_or_else(PoisonError::into_inner);
        lists.retain(|list| list.strong_count() > 0);
        let mut known = lists.iter().filter_map(Weak::upgrade);
        if let Some(list) = known.find(|list| list.addresses == addresses) {
            return Ok(Self(Some(list)));
        }
        for address in addresses.iter().copied() {
            // UDP: that takes no port from those who connect.
            UdpSocket::bind((address, 0)).map_err(|source| SourceError { address, source })?;
        }
        let list = Arc::new(List {
            addresses: addresses.to_vec(),
            turns: AtomicUsize::new(0),
        });
        lists.push(Arc::downgrade(&list));
        Ok(Self(Some(list)))
    }

    /// Whose turn it is of those that can reach an address of this family; none: the system chooses.
    pub(crate) fn next(&self, to: SocketAddr) -> io::Result<Option<IpAddr>> {
        let Some(list) = &self.0 else { return Ok(None) };
        let fitting = || {
            let all = list.addresses.iter().copied();
            all.filter(|address| address.is_ipv4() == to.is_ipv4())
        };
        let Some(last) = fitting().count().checked_sub(1) else {
            let what = format!("no local address is of the family of {}", to.ip());
            return Err(io::Error::new(io::ErrorKind::NetworkUnreachable, what));
        };
        let turn = list.turns.fetch_add(1, Ordering::Relaxed) % (last + 1);
        Ok(fitting().nth(turn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn addresses(texts: &[&str]) -> Vec<IpAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn equal_lists_take_turns_with_each_other_and_others_do_not() {
        let own = |texts: &[&str]| Sources::of(&addresses(texts)).unwrap();
        let (one, same) = (own(&["127.0.0.3", "127.0.0.4"]), own(&["127.0.0.3", "127.0.0.4"]));
        let other = own(&["127.0.0.4", "127.0.0.3"]);
        let target = "127.0.0.1:80".parse().unwrap();
        let next = |sources: &Sources| sources.next(target).unwrap().unwrap().to_string();
        assert_eq!(
            [next(&one), next(&same), next(&one)],
            ["127.0.0.3", "127.0.0.4", "127.0.0.3"]
        );
        assert_eq!([next(&other), next(&other)], ["127.0.0.4", "127.0.0.3"]);
        assert_eq!(Sources::of(&[]).unwrap().next(target).unwrap(), None);
    }

    #[test]
    fn only_addresses_of_the_targets_family_are_taken() {
        let sources = Sources::of(&addresses(&["127.0.0.5"])).unwrap();
        let failed = sources.next("[::1]:80".parse().unwrap()).unwrap_err();
        assert_eq!(failed.kind(), io::ErrorKind::NetworkUnreachable);
        assert!(failed.to_string().contains("family of ::1"), "{failed}");
    }

    #[test]
    fn an_address_of_another_machine_is_told() {
        // RFC 5737: documentation's own.
        let wrong = Sources::of(&addresses(&["127.0.0.6", "192.0.2.1"])).unwrap_err();
        assert_eq!(wrong.address.to_string(), "192.0.2.1");
        assert!(wrong.to_string().starts_with("is no address of this machine"));
    }
}
