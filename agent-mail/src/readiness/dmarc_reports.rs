//! Whether reports on failed mail reach those elsewhere who are to get them (RFC 7489 section 7.1).

use futures_util::future::join_all;
use mail_access::DomainName;

use super::policies::{tag, tags};
use super::report::Finding;
use super::scene::{Scene, is_within, listed};
use super::{LookUpError, RecordData, RecordType, zone};

/// Who gets reports outside the domain says that it takes them.
pub(super) async fn dmarc_reports(scene: &Scene<'_>) -> Finding {
    let (at, policy) = match policy_for(scene).await {
        Ok(Some(found)) => found,
        Ok(None) => return Finding::ok("there is no policy that asks for reports"),
        Err(error) => return Finding::unknown(error),
    };
    let others = receivers_elsewhere(&policy, &at);
    let answers = join_all(others.iter().map(|other| takes_reports(scene, other, &at))).await;
    for (other, takes) in others.iter().zip(answers) {
        match takes {
            Ok(true) => {}
            Ok(false) => {
                return Finding::warning(
                    format!("{other} does not say that it takes reports about {at}"),
                    format!("publish the TXT record `{at}._report._dmarc.{other}.` with `v=DMARC1`"),
                );
            }
            Err(error) => return Finding::unknown(format!("{other}: {error}")),
        }
    }
    match others.as_slice() {
        [] => Finding::ok("nobody elsewhere gets reports"),
        _ => Finding::ok(format!("reports are taken by {}", listed(&others))),
    }
}

/// Finds the policy that holds for the domain, and whose it is: its own, or that of one above.
async fn policy_for(scene: &Scene<'_>) -> Result<Option<(String, String)>, LookUpError> {
    let mut at = scene.target.domain.as_str();
    loop {
        let texts = texts_at(scene, &format!("_dmarc.{at}")).await?;
        if let Some(policy) = texts.into_iter().find(|text| is_dmarc(text)) {
            return Ok(Some((at.to_owned(), policy)));
        }
        at = zone::parent(at);
        if !at.contains('.') {
            return Ok(None);
        }
    }
}

/// Returns the domains that `rua` and `ruf` name outside of `at`, each once.
fn receivers_elsewhere(policy: &str, at: &str) -> Vec<DomainName> {
    let tags = tags(policy);
    let uris =
        ["rua", "ruf"].into_iter().filter_map(|name| tag(&tags, name)).flat_map(|uris| uris.split(','));
    let mut others: Vec<DomainName> = Vec::new();
    for uri in uris {
        let scheme = uri.trim().get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:"));
        let Some((_, host)) = scheme.and_then(|_| uri.trim()[7..].rsplit_once('@')) else { continue };
        // The largest size of a report may stand behind it, and parts of the mail.
        let host = host.split(['!', '?']).next().unwrap_or_default();
        let Ok(host) = host.parse::<DomainName>() else { continue };
        let is_own = is_within(host.as_str(), at) || is_within(at, host.as_str());
        if !is_own && !others.contains(&host) && others.len() < MOST_RECEIVERS {
            others.push(host);
        }
    }
    others
}

async fn takes_reports(scene: &Scene<'_>, other: &DomainName, about: &str) -> Result<bool, LookUpError> {
    let texts = texts_at(scene, &format!("{about}._report._dmarc.{other}")).await?;
    Ok(texts.iter().any(|text| is_dmarc(text)))
}

async fn texts_at(scene: &Scene<'_>, name: &str) -> Result<Vec<String>, LookUpError> {
    let answer = scene.ask(name, RecordType::Txt).await?;
    Ok(answer.contents(name, RecordType::Txt).0.into_iter().filter_map(RecordData::text).collect())
}

fn is_dmarc(text: &str) -> bool {
    tags(text).first().is_some_and(|(tag, value)| tag == "v" && value == "DMARC1")
}

/// Those who send reports look at as many at least as two (RFC 7489 section 6.2), and at few more.
const MOST_RECEIVERS: usize = 10;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_elsewhere_have_to_agree() {
        for (uris, wanted) in [
            ("rua=mailto:a@shop.example", ""),
            ("rua=mailto:a@in.shop.example,mailto:b@example", ""),
            (
                "rua=mailto:a@Reports.Example!10m, MAILTO:b@reports.example; ruf=mailto:c@x.example",
                "reports.example x.example",
            ),
            ("rua=https://reports.example/x,mailto:,mailto:nobody,\u{e9}\u{e9}\u{e9}\u{e9}", ""),
            ("rua=mailto:a@notshop.example", "notshop.example"),
        ] {
            let found = receivers_elsewhere(&format!("v=DMARC1; p=none; {uris}"), "shop.example");
            let found: Vec<&str> = found.iter().map(DomainName::as_str).collect();
            assert_eq!(found.join(" "), wanted, "{uris}");
        }
    }
}
