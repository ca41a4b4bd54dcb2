//! `/dyndns/update`, its hosts, and the hosts that tell a caller its address.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    str::FromStr,
};

use desec_api::{
    AddressChange, AddressError, AddressSource, CheckIp, DomainName, DynDns, DynDnsUpdate, Error, IpAddress,
    IpNetwork, Method, PublicAddress, SubName,
};
use secrecy::ExposeSecret;
use url::Url;

use super::{Played, client};
use crate::recording::{Exchange, recording};

pub(crate) const ENDPOINTS: &[(&str, &str)] = &[("GET", "/dyndns/update")];

pub(crate) async fn play(exchange: &Exchange) -> Played {
    match exchange.sent_header("Host") {
        Some(host) if host.starts_with("checkip") => Some(checkip(exchange).await),
        Some("update.dedyn.io" | "update6.dedyn.io") => Some(update(exchange).await),
        _ if exchange.path.starts_with("/api/v1/dyndns/") => Some(update(exchange).await),
        _ => None,
    }
}

async fn update(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let pairs = pairs(exchange);
    // Without a typed form, the answer is judged as that to another update.
    let (domain, update) = typed(&pairs).unwrap_or_else(|| {
        let nothing = DynDnsUpdate::new(AddressChange::Preserve, AddressChange::Preserve);
        ("alice-dyn.dedyn.io".parse().unwrap(), nothing)
    });
    let dyndns = DynDns::new(client, domain);
    let elsewhere = exchange.sent_header("Host").map(|host| format!("https://{host}/"));
    let dyndns = match &elsewhere {
        Some(url) => dyndns.with_update_url(url).unwrap(),
        None => dyndns,
    };
    let result = dyndns.update(&update.allowing_special_addresses()).await;

    let [request] = &script.requests()[..] else { panic!("one request") };
    assert_eq!((request.method(), request.body()), (Method::Get, None));
    assert!(request.authorization().unwrap().expose_secret().starts_with("Token "));
    let mut url = request.url().clone();
    url.set_query(None);
    assert_eq!(url.as_str(), elsewhere.as_deref().unwrap_or("https://desec.io/api/v1/dyndns/update"));
    if typed(&pairs).is_some() {
        let sent = request.url().query_pairs().into_owned().collect::<Vec<_>>();
        assert_eq!(sent, pairs.iter().map(normalised).collect::<Vec<_>>());
    }
    result
}

async fn checkip(exchange: &Exchange) -> Result<(), Error> {
    let (script, client) = client(exchange);
    let source = CheckIp::new(client).without_v6().allowing_special_addresses();
    let answer = source.addresses().await;
    let [request] = &script.requests()[..] else { panic!("one request") };
    assert_eq!(request.url().as_str(), "https://checkipv4.dedyn.io/");
    assert!(request.authorization().is_none());
    match answer {
        Ok(addresses) => {
            let PublicAddress::Found(address) = addresses.v4 else { panic!("{addresses:?}") };
            assert_eq!(
                (address.to_string().as_str(), addresses.v6),
                (told(exchange), PublicAddress::Unknown)
            );
            Ok(())
        }
        Err(AddressError::Failed { source: Some(cause), .. }) => Err(*cause.downcast().unwrap()),
        Err(error) => panic!("{error:?}"),
    }
}

fn told(exchange: &Exchange) -> &str {
    exchange.body.as_str().unwrap()
}

fn pairs(exchange: &Exchange) -> Vec<(String, String)> {
    let url = Url::parse("https://update.dedyn.io").unwrap().join(&exchange.path).unwrap();
    url.query_pairs().into_owned().collect()
}

/// Returns the recorded update in the client's own types, if it has that form.
fn typed(pairs: &[(String, String)]) -> Option<(DomainName, DynDnsUpdate)> {
    let [(hostname, names), (myipv4, v4), (myipv6, v6), own @ ..] = pairs else { return None };
    let parameters = (hostname.as_str(), myipv4.as_str(), myipv6.as_str());
    // `YES` is no name: some routers send it.
    if parameters != ("hostname", "myipv4", "myipv6") || names == "YES" {
        return None;
    }
    let first = names.split(',').next()?.to_lowercase();
    let own_domains = ["alice-dyn.dedyn.io", "dynrace.dedyn.io", "example.com"];
    let domain = own_domains.into_iter().find(|domain| first.ends_with(domain)).unwrap_or(&first);
    let subname = |name: &str| -> Option<SubName> {
        let rest = name.to_lowercase().strip_suffix(domain)?.to_owned();
        rest.strip_suffix('.').unwrap_or(&rest).parse().ok()
    };
    let subnames = names.split(',').map(subname).collect::<Option<Vec<_>>>()?;
    let mut update = DynDnsUpdate::new(change(v4)?, change(v6)?).with_names(subnames);
    for pair in own.chunks(2) {
        let [(myipv4, v4), (myipv6, v6)] = pair else { return None };
        let name = myipv4.strip_prefix("myipv4:")?;
        assert_eq!(myipv6.strip_prefix("myipv6:"), Some(name));
        update = update.with_own(subname(name)?, change(v4)?, change(v6)?);
    }
    Some((domain.parse().ok()?, update))
}

fn change<A: IpAddress>(value: &str) -> Option<AddressChange<A>> {
    match value {
        "" => Some(AddressChange::Delete),
        "preserve" => Some(AddressChange::Preserve),
        network if network.contains('/') => Some(AddressChange::Prefix(network.parse().ok()?)),
        list => {
            let addresses = list.split(',').map(|address| address.parse().ok());
            Some(AddressChange::Set(addresses.collect::<Option<_>>()?))
        }
    }
}

/// Returns a recorded parameter as the client spells it: names in lower case, networks without host bits.
fn normalised((name, value): &(String, String)) -> (String, String) {
    fn network<A: IpAddress>(value: &str) -> Option<String> {
        IpNetwork::<A>::from_str(value).ok().map(|network| network.to_string())
    }
    let value = match name.as_str() {
        "hostname" => value.to_lowercase(),
        _ => {
            network::<Ipv4Addr>(value).or_else(|| network::<Ipv6Addr>(value)).unwrap_or_else(|| value.clone())
        }
    };
    (name.clone(), value)
}

#[tokio::test(start_paused = true)]
async fn updates_are_recorded_in_the_form_of_the_client() {
    let (mut updates, mut same) = (0, 0);
    for file in ["dyndns_update", "dyndns_errors", "dyndns_throttled", "conflict_race", "auth_header"] {
        for exchange in recording(file) {
            if let Some(result) = play(&exchange).await {
                updates += 1;
                same += usize::from(typed(&pairs(&exchange)).is_some());
                assert_eq!(result.is_ok(), exchange.body == "good", "{file}: {exchange:?}");
            }
        }
    }
    assert_eq!((updates, same), (58, 22));
    for answer in recording("checkip").iter().filter(|answer| answer.status == 200) {
        told(answer).parse::<IpAddr>().unwrap();
    }
}
