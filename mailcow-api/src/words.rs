//! Enums whose values are words of Mailcow.

/// Declares an enum of known words that keeps unknown ones in `Other`.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant,)+
            /// A word this crate does not know.
            Other(String),
        }

        impl $name {
            /// Returns the word Mailcow uses.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$variant => $word,)+
                    Self::Other(word) => word,
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                match word.as_str() {
                    $($word => Self::$variant,)+
                    _ => Self::Other(word),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                crate::loose::text(deserializer).map(Self::from)
            }
        }
    };
}

pub(crate) use word_enum;

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro declares public types")]
mod tests {
    word_enum!(
        /// A word of a test.
        TestWord {
            /// The known one.
            Known = "known-word",
        }
    );

    #[test]
    fn known_words_have_their_variant_and_others_are_kept() {
        for (text, word) in [("known-word", TestWord::Known), ("new", TestWord::Other("new".to_owned()))] {
            let json = format!("\"{text}\"");
            assert_eq!(serde_json::from_str::<TestWord>(&json).unwrap(), word);
            assert_eq!((serde_json::to_string(&word).unwrap(), word.as_str()), (json, text));
        }
    }
}
