//! The numbers by which Mailcow knows the rows of its tables.

/// Declares the newtype of such a number: parsed from text, read from a number or from text, written as a number.
macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(u64);

        impl std::str::FromStr for $name {
            type Err = crate::Error;

            fn from_str(text: &str) -> Result<Self, crate::Error> {
                text.parse().map(Self).map_err(|_| crate::Error::InvalidInput {
                    operation: $what,
                    reason: "it is not a number".to_owned(),
                })
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let number = crate::loose::int(deserializer)?;
                u64::try_from(number).map(Self).map_err(serde::de::Error::custom)
            }
        }
    };
}

pub(crate) use number_id;

#[cfg(test)]
#[allow(unreachable_pub, reason = "the macro declares public types")]
mod tests {
    number_id!(
        /// The number of a test.
        TestId,
        "the id of a test"
    );

    #[test]
    fn a_number_is_read_from_both_forms_and_written_as_one() {
        let id: TestId = "7".parse().unwrap();
        assert_eq!(serde_json::from_str::<TestId>("7").unwrap(), id);
        assert_eq!(serde_json::from_str::<TestId>("\"7\"").unwrap(), id);
        assert_eq!((serde_json::to_string(&id).unwrap().as_str(), id.to_string().as_str()), ("7", "7"));
        for bad in ["", "-1", "1,2", "x"] {
            assert!(bad.parse::<TestId>().is_err(), "{bad:?} was accepted");
        }
        assert!(serde_json::from_str::<TestId>("-1").is_err());
    }
}
