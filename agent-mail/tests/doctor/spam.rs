//! Why mail is taken for spam.

use agent_mail::doctor::Complaint;
use agent_mail::mail_access::{Verdict, Verdicts};

use crate::world::{World, domain, quoted};

async fn codes(world: &World) -> Vec<String> {
    let diagnosis = world.examine(Complaint::HighSpamScore).await;
    diagnosis.findings.iter().map(|finding| format!("{} {}", finding.step, finding.code)).collect()
}

#[tokio::test(start_paused = true)]
async fn the_symbols_of_a_header_are_told_the_costliest_first() {
    let mut world = World::well().await;
    let header = "Return-Path: <ada@agents.example>\r\n\
        X-Spamd-Result: default: False [9.90 / 15.00];\r\n\
        \tBAYES_SPAM(3.50)[99.99%];\r\n\
        \tR_SPF_FAIL(8.00)[-all];\r\n\
        \tMIME_GOOD(-0.10)[text/plain];\r\n\
        \tNEW_RULE(0.40)[]; URIBL_BLACK(7.50)[spam.example:url]; ARC_NA(0.00)[]\r\n\
        Authentication-Results: mx.far.example; dkim=fail header.d=agents.example; spf=fail; dmarc=none\r\n\
        Subject: x\r\n\r\nbody";
    world.with(|doctor| doctor.with_headers(header));
    let found = codes(&world).await;
    let expected = ["R_SPF_FAIL", "URIBL_", "BAYES_SPAM", "other_symbol", "R_DKIM_REJECT", "DMARC_NA"];
    assert_eq!(found, expected.map(|code| format!("headers {code}")), "SPF is told once");
}

#[tokio::test(start_paused = true)]
async fn each_verdict_of_a_receiving_server_has_its_cause() {
    for (results, code) in [
        ("spf=fail", "R_SPF_FAIL"),
        ("spf=softfail", "R_SPF_SOFTFAIL"),
        ("spf=neutral", "R_SPF_NEUTRAL"),
        ("spf=none", "R_SPF_NA"),
        ("spf=permerror", "R_SPF_PERMFAIL"),
        ("dkim=fail", "R_DKIM_REJECT"),
        ("dkim=none", "R_DKIM_NA"),
        ("dkim=permerror", "R_DKIM_PERMFAIL"),
        ("dmarc=fail", "DMARC_POLICY_REJECT"),
        ("dmarc=none", "DMARC_NA"),
        ("dmarc=permerror", "DMARC_BAD_POLICY"),
    ] {
        let mut world = World::well().await;
        let header = format!("Authentication-Results: mx.far.example; {results}\n");
        world.with(|doctor| doctor.with_headers(header));
        assert_eq!(codes(&world).await, [format!("headers {code}")], "{results}");
    }
    let mut world = World::well().await;
    world.with(|doctor| doctor.with_headers("Subject: nothing\n"));
    assert_eq!(codes(&world).await, ["headers no_authentication_results"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_header_the_doctor_sends_itself_a_mail() {
    let world = World::well().await;
    world.embedded.post_office().set_verdicts_for_domain(domain(), Verdicts::all(Verdict::Fail));
    assert_eq!(
        codes(&world).await,
        ["headers R_SPF_FAIL", "headers R_DKIM_REJECT", "headers DMARC_POLICY_REJECT"]
    );
}

#[tokio::test(start_paused = true)]
async fn records_that_prove_nothing_are_told() {
    let other_key = quoted("v=DKIM1; k=rsa; p=AAAA");
    for (name, records, code) in [
        ("", &[][..], "no_spf"),
        ("", &["\"v=spf1 mx -all\"", "\"v=spf1 a -all\""], "several_spf"),
        ("", &["\"v=spf1 +all\""], "open_spf"),
        ("dkim._domainkey", &[], "no_dkim_record"),
        ("dkim._domainkey", &[other_key.as_str()], "other_dkim_key"),
        ("dkim._domainkey", &[other_key.as_str(), "\"v=DKIM1; p=BBBB\""], "several_dkim_keys"),
        ("_dmarc", &[], "no_dmarc"),
        ("_dmarc", &["\"v=DMARC1; p=none\"", "\"v=DMARC1; p=reject\""], "several_dmarc"),
    ] {
        let world = World::well().await;
        world.set(name, "TXT", records).await;
        assert_eq!(codes(&world).await, [format!("zone {code}")], "{records:?}");
        let sending = world.examine(Complaint::NotSending).await;
        assert!(sending.find(code).is_some(), "{sending}");
    }
}
