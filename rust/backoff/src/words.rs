//! Enums that users write as words: one macro gives the words, parsing, printing and the list for messages.

/// A text that is none of the allowed words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{word:?} is none of: {}", allowed.join(", "))]
pub struct UnknownWord {
    /// What was given, at most 64 characters of it.
    pub word: String,
    /// What would have been taken.
    pub allowed: &'static [&'static str],
}

/// Declares an enum whose variants have a word each; words are read in any letter case, with spaces around.
macro_rules! words {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$variant_meta])* $variant,)+
        }

        impl $name {
            /// The words of all variants, in order: for messages and panels.
            pub const NAMES: &'static [&'static str] = &[$($word),+];
            /// All variants, in the order of [`Self::NAMES`].
            pub const ALL: &'static [$name] = &[$($name::$variant),+];

            /// The word of this variant.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self {
                    $($name::$variant => $word),+
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                out.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::words::UnknownWord;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                let word = text.trim();
                Self::ALL.iter().copied().find(|known| known.as_str().eq_ignore_ascii_case(word)).ok_or_else(|| {
                    $crate::words::UnknownWord { word: word.chars().take(64).collect(), allowed: Self::NAMES }
                })
            }
        }
    };
}
pub(crate) use words;

#[cfg(test)]
mod tests {
    use crate::{HintJitter, HintMode, PacerMode, Strategy, TooLong};

    #[test]
    fn every_word_reads_back_in_any_letter_case() {
        macro_rules! round_trip {
            ($($name:ident),+) => {$(
                assert_eq!($name::ALL.len(), $name::NAMES.len());
                for (value, word) in $name::ALL.iter().zip($name::NAMES) {
                    assert_eq!(value.to_string(), *word);
                    assert_eq!(word.parse::<$name>().as_ref(), Ok(value));
                    assert_eq!(format!(" {} ", word.to_uppercase()).parse::<$name>().as_ref(), Ok(value));
                }
            )+};
        }
        round_trip!(Strategy, HintMode, HintJitter, TooLong, PacerMode);
        assert_eq!(Strategy::NAMES.len(), 11);
    }

    #[test]
    fn an_unknown_word_is_named_beside_the_allowed_ones() {
        let error = "floot".parse::<HintMode>().unwrap_err();
        assert_eq!(error.to_string(), "\"floot\" is none of: floor, replace, ignore");
        assert!("".parse::<Strategy>().is_err());
        assert!(
            "x".repeat(10_000)
                .parse::<Strategy>()
                .unwrap_err()
                .to_string()
                .len()
                < 300
        );
    }
}
