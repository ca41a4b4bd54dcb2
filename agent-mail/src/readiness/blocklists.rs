//! Whether the mail host's addresses are on lists of those who send spam (RFC 5782).

use std::net::IpAddr;

use futures_util::future::join_all;
use mail_access::DomainName;

use super::RecordType;
use super::look_up::reversed;
use super::report::Finding;
use super::scene::{Scene, listed};

pub(super) async fn blocklists(scene: &Scene<'_>) -> Finding {
    let addresses = match scene.host_addresses().await {
        Ok(found) => &found.all,
        Err(unknown) => return unknown,
    };
    let pairs =
        addresses.iter().flat_map(|address| scene.blocklists.iter().map(move |list| (*address, list)));
    let answers = join_all(pairs.map(|(address, list)| entry(scene, address, list))).await;
    let (listings, troubles): (Vec<_>, Vec<_>) = answers.into_iter().flatten().partition(Result::is_ok);
    let listings: Vec<String> = listings.into_iter().flatten().collect();
    let troubles: Vec<String> = troubles.into_iter().filter_map(Result::err).collect();
    if !listings.is_empty() {
        let fix = "find out why at the list's website, mend it, and ask there to be taken off";
        return Finding::failed(listings.join("; "), fix);
    }
    if !troubles.is_empty() {
        return Finding::unknown(troubles.join("; "));
    }
    Finding::ok(format!("{} on none of {}", listed(addresses), listed(scene.blocklists)))
}

/// Looks an address up on one list: what it says if the address is there, or why nobody knows.
async fn entry(scene: &Scene<'_>, address: IpAddr, list: &DomainName) -> Option<Result<String, String>> {
    let name = reversed(address, (list.as_str(), list.as_str()));
    let answer = match scene.ask(&name, RecordType::A).await {
        Ok(answer) => answer,
        Err(error) => return Some(Err(format!("{list}: {error}"))),
    };
    let codes: Vec<IpAddr> =
        answer.contents(&name, RecordType::A).0.into_iter().filter_map(|data| data.address()).collect();
    let octets = codes.iter().find_map(|code| match code {
        IpAddr::V4(code) => Some(code.octets()),
        IpAddr::V6(_) => None,
    })?;
    match octets {
        // Several lists say so that they don't answer whoever asks.
        [127, 255, 255, _] => {
            Some(Err(format!("{list} does not answer this name server: {}", listed(codes))))
        }
        [127, ..] => {
            let reason = scene.ask(&name, RecordType::Txt).await.unwrap_or_default();
            let reason = reason.contents(&name, RecordType::Txt).0.into_iter().find_map(|data| data.text());
            let reason = reason.map_or_else(|| listed(codes), |reason| reason.chars().take(200).collect());
            Some(Ok(format!("{address} is on {list}: {reason}")))
        }
        // RFC 5782 section 2.1: only 127/8 means something.
        _ => Some(Err(format!("{list} is no list: it answers {}", listed(codes)))),
    }
}
