//! The words for the values of an enum: one list for the configuration and the command line.

use thiserror::Error;

/// A word that names no value.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("{found:?} is none of {}", known.join(", "))]
#[non_exhaustive]
pub struct UnknownWord {
    /// The word that was given.
    pub found: String,
    /// The words that there are.
    pub known: &'static [&'static str],
}

/// Gives an enum `ALL`, `WORDS` in the same order, `name` and `FromStr`; with `serde` before it, the words are used in
/// files too.
macro_rules! words {
    (serde $type:ident { $($variant:ident = $word:literal,)+ }) => {
        $crate::words::words!($type { $($variant = $word,)+ });

        impl serde::Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.name())
            }
        }

        impl<'de> serde::Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let word = <String as serde::Deserialize>::deserialize(deserializer)?;
                word.parse().map_err(|_| serde::de::Error::unknown_variant(&word, &Self::WORDS))
            }
        }
    };
    ($type:ident { $($variant:ident = $word:literal,)+ }) => {
        impl $type {
            /// All values.
            pub const ALL: [Self; [$($word,)+].len()] = [$(Self::$variant,)+];
            /// The word for each value, in the order of `ALL`.
            pub const WORDS: [&'static str; Self::ALL.len()] = [$($word,)+];

            /// The word for this value.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl std::str::FromStr for $type {
            type Err = $crate::words::UnknownWord;

            fn from_str(word: &str) -> Result<Self, Self::Err> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::words::UnknownWord { found: word.into(), known: &Self::WORDS }),
                }
            }
        }
    };
}

pub(crate) use words;

#[cfg(test)]
mod tests {
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Grid {
        Colour,
        Depth,
    }

    words!(serde Grid {
        Colour = "colour",
        Depth = "depth",
    });

    #[test]
    fn a_word_is_read_as_it_is_written() {
        for value in Grid::ALL {
            assert_eq!(value.name().parse(), Ok(value));
            let text = serde_json::to_string(&value).unwrap();
            assert_eq!(text, format!("{:?}", value.name()));
            assert_eq!(serde_json::from_str::<Grid>(&text).unwrap(), value);
        }
    }

    #[test]
    fn another_word_is_answered_with_those_there_are() {
        let error = "Colour".parse::<Grid>().unwrap_err();
        assert_eq!(error.to_string(), "\"Colour\" is none of colour, depth");
        let error = serde_json::from_str::<Grid>("\"Colour\"").unwrap_err().to_string();
        assert!(error.starts_with("unknown variant `Colour`, expected `colour` or `depth`"), "{error}");
    }
}
