//! Domains, RRsets and zone files against the fake, from creation to deletion.

use desec_api::{
    DomainName, Error, FakeDesec, Fault, Missing, NewDomain, NewRrSet, RecordType, RrSetFilter, RrSetPatch,
    SubName, Ttl, txt,
};
use futures_util::TryStreamExt;

fn name(text: &str) -> DomainName {
    text.parse().unwrap()
}

fn set(subname: &str, rtype: RecordType, records: &[&str]) -> NewRrSet {
    let records = records.iter().map(|record| (*record).to_owned());
    NewRrSet::new(subname.parse().unwrap(), rtype, Ttl::new(3600).unwrap(), records)
}

#[tokio::test(start_paused = true)]
async fn a_domain_lives_from_creation_to_deletion() {
    let fake = FakeDesec::new();
    let client = fake.client().unwrap();
    let zonefile = "www 300 IN A 192.0.2.1\n@ 3600 IN MX 10 mail.example.com.\n";
    let wanted = NewDomain::new(name("example.com")).with_zonefile(zonefile);
    let first = client.ensure_domain(&wanted).await.unwrap();
    assert!(first.created && !first.domain.keys.is_empty());
    let again = client.ensure_domain(&wanted).await.unwrap();
    assert!(!again.created && again.domain.name == first.domain.name);
    let error = client.create_domain(&wanted).await.unwrap_err();
    assert!(error.already_exists(), "{error:?}");

    let domains: Vec<_> = client.domains().try_collect().await.unwrap();
    assert!(domains.len() == 1 && domains[0].keys.is_empty());
    let owning = client.domain_owning("_Acme.WWW.example.com.").await.unwrap();
    assert_eq!(owning.map(|domain| domain.name), Some(name("example.com")));
    assert_eq!(client.domain_owning("example.net").await.unwrap(), None);

    let text = client.export_zonefile(&name("example.com")).await.unwrap();
    assert!(text.contains("192.0.2.1"), "{text}");
    client.delete_domain(&name("example.com")).await.unwrap();
    client.delete_domain(&name("example.com")).await.unwrap();
    let error = client.export_zonefile(&name("example.com")).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { missing: Missing::Domain, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_foreign_name_is_taken() {
    let fake = FakeDesec::new();
    fake.add_foreign_domain(&name("example.com"));
    let error = fake.client().unwrap().ensure_domain(&NewDomain::new(name("example.com"))).await.unwrap_err();
    assert!(matches!(error, Error::Taken { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_creation_whose_answer_is_lost_is_found() {
    for fault in [Fault::FailsStored, Fault::AnswerLost] {
        let fake = FakeDesec::new();
        fake.inject_after(1, fault);
        let ensured = fake.client().unwrap().ensure_domain(&NewDomain::new(name("example.com"))).await;
        assert!(ensured.unwrap().created);
    }
}

#[tokio::test(start_paused = true)]
async fn an_rrset_lives_from_creation_to_deletion() {
    let (fake, domain) = (FakeDesec::new(), name("example.com"));
    fake.add_domain(&domain, Ttl::new(3600).unwrap());
    let client = fake.client().unwrap();
    let (apex, mx) = (SubName::apex(), RecordType::Mx);

    let created =
        client.create_rrset(&domain, &set("@", mx.clone(), &["010 mail.example.com."])).await.unwrap();
    assert_eq!(created.records, ["10 mail.example.com."]);
    let error = client.create_rrset(&domain, &set("@", mx.clone(), &["20 b.example."])).await.unwrap_err();
    assert!(error.already_exists(), "{error:?}");
    assert_eq!(client.rrset(&domain, &apex, &mx).await.unwrap().records, created.records);

    let replaced = client.replace_rrset(&domain, &set("@", mx.clone(), &["20 b.example."])).await.unwrap();
    assert_eq!(replaced.unwrap().records, ["20 b.example."]);
    let slower = RrSetPatch::new(apex.clone(), mx.clone()).with_ttl(Ttl::new(7200).unwrap());
    let patched = client.patch_rrset(&domain, &slower).await.unwrap().unwrap();
    assert_eq!((patched.ttl.seconds(), &patched.records[..]), (7200, &["20 b.example.".to_owned()][..]));

    assert_eq!(
        client.patch_rrset(&domain, &RrSetPatch::delete(apex.clone(), mx.clone())).await.unwrap(),
        None
    );
    let error = client.rrset(&domain, &apex, &mx).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { missing: Missing::RrSet, .. }), "{error:?}");
    client.delete_rrset(&domain, &apex, &mx).await.unwrap();
    let error = client.delete_rrset(&name("example.net"), &apex, &mx).await.unwrap_err();
    assert!(matches!(error, Error::NotFound { missing: Missing::Domain, .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn bulk_writes_are_all_or_nothing() {
    let (fake, domain) = (FakeDesec::new(), name("example.com"));
    fake.add_domain(&domain, Ttl::new(3600).unwrap());
    let client = fake.client().unwrap();
    let text = txt("v=spf1 -all");
    let sets = [set("www", RecordType::A, &["192.0.2.1"]), set("@", RecordType::Txt, &[&text])];
    let created = client.create_rrsets(&domain, &sets).await.unwrap();
    assert_eq!(created.iter().map(|set| set.subname.as_str()).collect::<Vec<_>>(), ["www", ""]);

    let error =
        client.create_rrsets(&domain, &[set("new", RecordType::A, &["192.0.2.1"]), sets[0].clone()]).await;
    assert!(error.unwrap_err().already_exists());
    let filter = RrSetFilter::default().with_subname("new".parse().unwrap());
    let new: Vec<_> = client.rrsets(&domain, &filter).try_collect().await.unwrap();
    assert_eq!(new, []);

    let swap = [set("www", RecordType::A, &[]), set("www", RecordType::Cname, &["example.com."])];
    let now = client.put_rrsets(&domain, &swap).await.unwrap();
    assert_eq!((now.len(), &now[0].rtype), (1, &RecordType::Cname));
}
