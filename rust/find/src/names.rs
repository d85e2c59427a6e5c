//! Texts as numbers.

use std::collections::HashMap;

/// In the order in which they came.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names(HashMap<String, u32>);

impl Names {
    pub(crate) fn number(&mut self, name: &str) -> u32 {
        if let Some(number) = self.known(name) {
            return number;
        }
        let number = u32::try_from(self.0.len()).unwrap_or(u32::MAX);
        self.0.insert(name.to_owned(), number);
        number
    }

    pub(crate) fn known(&self, name: &str) -> Option<u32> {
        self.0.get(name).copied()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn in_order(&self) -> Vec<&str> {
        let mut names: Vec<(&str, u32)> = self.0.iter().map(|(name, number)| (&**name, *number)).collect();
        names.sort_unstable_by_key(|(_, number)| *number);
        names.into_iter().map(|(name, _)| name).collect()
    }
}
