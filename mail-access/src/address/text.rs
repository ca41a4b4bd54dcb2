//! Addresses and domain names as texts in serde (feature `serde`); what is read is checked as by `FromStr`.

use std::borrow::Cow;

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Address, DomainName};

macro_rules! as_text {
    ($type:ty) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
            }
        }
    };
}

as_text!(Address);
as_text!(DomainName);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_and_what_is_no_address_is_refused() {
        let address: Address = "Ada@Agents.Example".parse().unwrap();
        let text = serde_json::to_string(&address).unwrap();
        assert_eq!(text, "\"Ada@agents.example\"");
        assert_eq!(serde_json::from_str::<Address>(&text).unwrap(), address);
        assert!(
            serde_json::from_str::<DomainName>("\"agents..example\"")
                .unwrap_err()
                .to_string()
                .contains("domain")
        );
        assert!(serde_json::from_str::<Address>("7").is_err());
    }
}
