//! Contents of records as values.

mod caa;
mod digests;
mod fqdn;
mod hosts;
mod svcb;
mod txt;

use std::{
    fmt,
    net::{Ipv4Addr, Ipv6Addr},
};

use crate::{
    Error, RecordType,
    canonical::{Flaw, Wire, data, ipv6},
};

pub use self::{
    caa::Caa,
    digests::{Ds, Tlsa},
    fqdn::Fqdn,
    hosts::{Mx, Srv},
    svcb::Svcb,
    txt::{Txt, txt},
};

/// The content of a record: typed for what mail needs, as text for all other types.
///
/// It parses from every form that [`canonical`](crate::canonical()) takes, and its `Display` is the
/// canonical form. A value that is put together may still be one that the server refuses, such as a mail
/// server with an underscore in its name: [`canonical`](crate::canonical()) tells.
///
/// ```
/// use desec_api::{Mx, Rdata, RecordType, Txt};
///
/// let mx = Rdata::from(Mx::new(10, "mail.example.com".parse()?));
/// assert_eq!(mx.to_string(), "10 mail.example.com.");
/// assert_eq!(Rdata::parse(&RecordType::Mx, "010  mail.example.com.")?, mx);
///
/// let Rdata::Txt(spf) = Rdata::parse(&RecordType::Txt, r#""v=spf1 " "mx -all""#)? else { unreachable!() };
/// assert_eq!(spf.text().as_deref(), Some("v=spf1 mx -all"));
/// assert_eq!(Rdata::from(Txt::new("v=spf1 -all")).to_string(), r#""v=spf1 -all""#);
/// # Ok::<(), desec_api::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rdata {
    /// An IPv4 address.
    A(Ipv4Addr),
    /// An IPv6 address.
    Aaaa(Ipv6Addr),
    /// Who may issue certificates.
    Caa(Caa),
    /// The name that this one stands for.
    Cname(Fqdn),
    /// The key of a delegated zone.
    Ds(Ds),
    /// How to reach a web service.
    Https(Svcb),
    /// A mail server.
    Mx(Mx),
    /// A name server.
    Ns(Fqdn),
    /// The name that belongs to an address.
    Ptr(Fqdn),
    /// Where a service is.
    Srv(Srv),
    /// How to reach a service.
    Svcb(Svcb),
    /// A certificate or key to expect.
    Tlsa(Tlsa),
    /// A text.
    Txt(Txt),
    /// The content of any other type.
    Raw {
        /// The type.
        rtype: RecordType,
        /// The content, in canonical form if it comes from [`Rdata::parse`] and its type is known.
        content: String,
    },
}

impl Rdata {
    /// Reads the content of a record of type `rtype`, in presentation format.
    ///
    /// # Errors
    /// [`Error::InvalidInput`] if the server would refuse the content.
    pub fn parse(rtype: &RecordType, content: &str) -> Result<Self, Error> {
        Self::read(rtype, content).map_err(|flaw| flaw.into_error(rtype))
    }

    /// Returns the type of the record.
    pub fn rtype(&self) -> RecordType {
        match self {
            Self::A(_) => RecordType::A,
            Self::Aaaa(_) => RecordType::Aaaa,
            Self::Caa(_) => RecordType::Caa,
            Self::Cname(_) => RecordType::Cname,
            Self::Ds(_) => RecordType::Ds,
            Self::Https(_) => RecordType::Https,
            Self::Mx(_) => RecordType::Mx,
            Self::Ns(_) => RecordType::Ns,
            Self::Ptr(_) => RecordType::Ptr,
            Self::Srv(_) => RecordType::Srv,
            Self::Svcb(_) => RecordType::Svcb,
            Self::Tlsa(_) => RecordType::Tlsa,
            Self::Txt(_) => RecordType::Txt,
            Self::Raw { rtype, .. } => rtype.clone(),
        }
    }

    fn read(rtype: &RecordType, content: &str) -> Result<Self, Flaw> {
        let Some((data, text)) = data(rtype, content)? else {
            return Ok(Self::Raw { rtype: rtype.clone(), content: content.trim().to_owned() });
        };
        let wire = &mut Wire(&data);
        Ok(match rtype {
            RecordType::A => Self::A(wire.array::<4>()?.into()),
            RecordType::Aaaa => Self::Aaaa(wire.array::<16>()?.into()),
            RecordType::Caa => Self::Caa(Caa::read(wire)?),
            RecordType::Cname => Self::Cname(Fqdn::read(wire)?),
            RecordType::Ds => Self::Ds(Ds::read(wire)?),
            RecordType::Https => Self::Https(Svcb::read(wire)?),
            RecordType::Mx => Self::Mx(Mx::read(wire)?),
            RecordType::Ns => Self::Ns(Fqdn::read(wire)?),
            RecordType::Ptr => Self::Ptr(Fqdn::read(wire)?),
            RecordType::Srv => Self::Srv(Srv::read(wire)?),
            RecordType::Svcb => Self::Svcb(Svcb::read(wire)?),
            RecordType::Tlsa => Self::Tlsa(Tlsa::read(wire)?),
            RecordType::Txt => Self::Txt(Txt::read(wire)?),
            _ => Self::Raw { rtype: rtype.clone(), content: text },
        })
    }
}

impl fmt::Display for Rdata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => f.write_str(&ipv6(*address)),
            Self::Caa(caa) => caa.fmt(f),
            Self::Cname(name) | Self::Ns(name) | Self::Ptr(name) => name.fmt(f),
            Self::Ds(ds) => ds.fmt(f),
            Self::Https(service) | Self::Svcb(service) => service.fmt(f),
            Self::Mx(mx) => mx.fmt(f),
            Self::Srv(srv) => srv.fmt(f),
            Self::Tlsa(tlsa) => tlsa.fmt(f),
            Self::Txt(txt) => txt.fmt(f),
            Self::Raw { content, .. } => f.write_str(content),
        }
    }
}

impl From<Rdata> for String {
    /// Returns the content, for [`RrSetPatch::with_records`](crate::RrSetPatch::with_records).
    fn from(rdata: Rdata) -> Self {
        rdata.to_string()
    }
}

macro_rules! from {
    ($($variant:ident $type:ty),+) => {
        $(impl From<$type> for Rdata {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })+
    };
}

from!(A Ipv4Addr, Aaaa Ipv6Addr, Caa Caa, Ds Ds, Mx Mx, Srv Srv, Tlsa Tlsa, Txt Txt);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::canonical::canonical;

    fn name() -> impl Strategy<Value = Fqdn> {
        "([a-zA-Z0-9]{1,8}\\.){0,3}"
            .prop_map(|name| if name.is_empty() { ".".into() } else { name })
            .prop_map(|name: String| name.parse().unwrap())
    }

    fn service() -> impl Strategy<Value = Svcb> {
        let ids = proptest::collection::vec("[!-'*-:<-~]{1,9}", 1..4);
        let params = (ids, any::<u16>(), any::<[u8; 4]>(), any::<[u16; 8]>(), 9_u16.., any::<Vec<u8>>());
        (1_u16.., name(), params).prop_map(|(priority, target, (alpn, port, v4, v6, key, value))| {
            Svcb::new(priority, target)
                .with_param(key, value.clone())
                .with_ipv6_hints([v6.into()])
                .with_ipv4_hints([v4.into(), v4.into()])
                .with_ech(value)
                .with_port(port)
                .with_no_default_alpn()
                .with_alpn(alpn)
                .with_mandatory([key, 1])
        })
    }

    fn rdata() -> impl Strategy<Value = Rdata> {
        let number = any::<u16>;
        let bytes = || proptest::collection::vec(any::<u8>(), 1..40);
        prop_oneof![
            any::<[u8; 4]>().prop_map(|octets| Rdata::A(octets.into())),
            any::<[u16; 8]>().prop_map(|groups| Rdata::Aaaa(groups.into())),
            (any::<u8>(), "[a-zA-Z0-9]{1,15}", "[ -~]{0,40}").prop_map(|(flags, tag, value)| Caa::new(
                flags, &tag, &value
            )
            .unwrap()
            .into()),
            name().prop_map(Rdata::Cname),
            name().prop_map(Rdata::Ptr),
            name().prop_filter("a host", |name| !name.is_root()).prop_map(Rdata::Ns),
            (number(), name()).prop_map(|(preference, host)| Mx::new(preference, host).into()),
            (number(), number(), number(), name()).prop_map(|(a, b, c, host)| Srv::new(a, b, c, host).into()),
            (any::<[u8; 3]>(), bytes()).prop_map(|([a, b, c], data)| Tlsa::new(a, b, c, data).into()),
            (number(), any::<[u8; 32]>()).prop_map(|(tag, digest)| Ds::new(tag, 13, 2, digest).into()),
            service().prop_map(Rdata::Https),
            service().prop_map(Rdata::Svcb),
        ]
    }

    #[test]
    fn values_have_parts() {
        let Rdata::Https(https) =
            Rdata::parse(&RecordType::Https, "1 a. alpn=\"h2,h3\" port=443 ipv6hint=::1").unwrap()
        else {
            unreachable!()
        };
        assert_eq!((https.alpn(), https.port()), (Some(vec![&b"h2"[..], b"h3"]), Some(443)));
        assert_eq!((https.ipv4_hints().count(), https.ipv6_hints().next()), (0, Some(Ipv6Addr::LOCALHOST)));
        assert_eq!(https.params().map(|(key, _)| key).collect::<Vec<_>>(), [1, 3, 6]);
        let Rdata::Caa(caa) = Rdata::parse(&RecordType::Caa, "128 iodef mailto:a@b").unwrap() else {
            unreachable!()
        };
        assert_eq!((caa.flags(), caa.tag(), caa.value()), (128, "iodef", "mailto:a@b"));
        let raw = Rdata::parse(&RecordType::Csync, "1 2 MX A").unwrap();
        assert_eq!(raw, Rdata::Raw { rtype: RecordType::Csync, content: "1 2 A MX".into() });
    }

    #[test]
    fn odd_values_are_shown_and_refused() {
        let root: Fqdn = ".".parse().unwrap();
        let odd = [
            Rdata::Https(Svcb::new(1, root.clone()).with_port(1).with_param(3, [1])),
            Rdata::Https(Svcb::new(1, root.clone()).with_alpn(["a b"])),
            Rdata::Https(Svcb::new(1, root.clone()).with_alpn(["a".repeat(256)])),
            Rdata::Https(Svcb::new(1, root.clone()).with_alpn([""])),
            Rdata::Https(Svcb::new(0, root.clone()).with_port(1)),
            Rdata::Ns(root),
            Mx::new(1, "a_b".parse().unwrap()).into(),
            Tlsa::new(3, 1, 1, []).into(),
            Ds::new(1, 8, 2, [0]).into(),
        ];
        assert_eq!(odd[0].to_string(), "1 . key3=\"\\001\"");
        assert_eq!(odd[1].to_string(), "1 . key1=\"\\003a b\"");
        for rdata in odd {
            assert!(canonical(&rdata.rtype(), &rdata.to_string()).is_err(), "{rdata}");
        }
    }

    proptest! {
        #[test]
        fn values_show_their_canonical_form(rdata in rdata()) {
            let (rtype, content) = (rdata.rtype(), String::from(rdata.clone()));
            prop_assert_eq!(canonical(&rtype, &content).unwrap(), content.clone());
            prop_assert_eq!(Rdata::parse(&rtype, &content).unwrap(), rdata);
        }
    }
}
