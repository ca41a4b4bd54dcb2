//! Random zones and wishes, against a model that knows values and no spelling.

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
};

use desec_api::{
    Claim, Client, Desired, DomainName, Error, FakeDesec, Fault, Foreign, Method, NewRrSet, Plan, RecordType,
    RrSet, Ttl, canonical,
};
use proptest::{
    collection::vec,
    prelude::*,
    sample::select,
    test_runner::{Config, TestRunner},
};
use tokio::runtime::Builder;

use crate::{
    plan::{domain, rtype, sub},
    plan_spelling::{TYPES, VALUES, spelled, text},
};

/// By name and type: the time to live, and the values.
type Zone = BTreeMap<(&'static str, &'static str), (u32, BTreeSet<u8>)>;

/// An RRset to be: name, type, time to live, and each value with its spelling.
type Entry = (&'static str, &'static str, u32, Vec<(u8, u32)>);

/// An entry whose type is one of the few of its case, so that wishes meet what is there.
type Sketch = (&'static str, usize, u32, Vec<(u8, u32)>);

#[derive(Clone, Debug)]
struct Case {
    zone: Vec<Entry>,
    wanted: Vec<Entry>,
    claims: Vec<Owned>,
    prune: bool,
    merge: bool,
    /// Whether it is planned, stored, read back and applied, or ensured.
    by_plan: bool,
    faults: Vec<Fault>,
}

#[derive(Clone, Debug)]
enum Owned {
    Name(&'static str),
    RrSet(&'static str, &'static str),
    Texts(&'static str, u8),
}

fn entry(ttls: &'static [u32]) -> impl Strategy<Value = Sketch> {
    (select(NAMES), 0..PALETTE, select(ttls), vec((0..VALUES, any::<u32>()), 1..4))
}

fn case() -> impl Strategy<Value = Case> {
    let owned = prop_oneof![
        select(NAMES).prop_map(Owned::Name),
        (select(NAMES), select(TYPES)).prop_map(|(name, of)| Owned::RrSet(name, of)),
        (select(NAMES), 0..VALUES).prop_map(|(name, value)| Owned::Texts(name, value)),
    ];
    let faults = select(&[Fault::FailsStored, Fault::FailsUnstored, Fault::AnswerLost][..]);
    let rules = (vec(owned, 0..5), prop::bool::weighted(0.3), prop::bool::weighted(0.5), any::<bool>());
    let sets = (vec(entry(&[60, 3600, 7200]), 0..8), vec(entry(&[300, 3600, 7200]), 0..6));
    let cases = (vec(select(TYPES), PALETTE), sets, rules, vec(faults, 0..3));
    cases.prop_map(|(types, (zone, wanted), (claims, prune, merge, by_plan), faults)| {
        let possible = |sketches: Vec<Sketch>| {
            possible(sketches.into_iter().map(|(name, of, ttl, values)| (name, types[of], ttl, values)))
        };
        let (zone, wanted) = (possible(zone), possible(wanted));
        Case { zone, wanted, claims, prune, merge, by_plan, faults }
    })
}

/// Leaves out what no server would take: other RRsets beside a CNAME, one at the apex, two of one type.
fn possible(entries: impl Iterator<Item = Entry>) -> Vec<Entry> {
    let mut taken: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut kept = Vec::new();
    for (name, of, ttl, mut values) in entries {
        let crowded = taken.iter().any(|(n, t)| *n == name && (of == "CNAME" || *t == "CNAME"));
        if of == "CNAME" && name.is_empty() || crowded || !taken.insert((name, of)) {
            continue;
        }
        values.truncate(if is_single(of) { 1 } else { 3 });
        let mut seen = BTreeSet::new();
        values.retain(|(value, _)| seen.insert(*value));
        kept.push((name, of, ttl, values));
    }
    kept
}

impl Case {
    fn fake(&self) -> FakeDesec {
        let fake = FakeDesec::new();
        fake.add_domain(&domain(), ttl(3600));
        for (name, of, seconds, values) in &self.zone {
            let records: Vec<String> =
                values.iter().map(|(value, style)| spelled(of, *value, *style)).collect();
            fake.put(&domain(), &sub(name), &rtype(of), ttl(*seconds), &records);
        }
        fake
    }

    fn desired(&self) -> Desired {
        let set = |(name, of, seconds, values): &Entry| {
            let records = values.iter().map(|(value, style)| spelled(of, *value, *style));
            NewRrSet::new(sub(name), rtype(of), ttl(*seconds), records)
        };
        let mut desired = Desired::new(self.wanted.iter().map(set)).with_minimum_ttl(ttl(3600));
        for owned in &self.claims {
            desired = desired.owning(match owned {
                Owned::Name(name) => Claim::Name(sub(name)),
                Owned::RrSet(name, of) => Claim::RrSet(sub(name), rtype(of)),
                Owned::Texts(name, value) => Claim::records(sub(name), RecordType::Txt, text(*value)),
            });
        }
        let desired = if self.merge { desired.on_foreign(Foreign::Merge) } else { desired };
        if self.prune { desired.prune() } else { desired }
    }

    fn values(entries: &[Entry]) -> Zone {
        let set = |(name, of, ttl, values): &Entry| {
            ((*name, *of), (*ttl, values.iter().map(|(value, _)| *value).collect()))
        };
        entries.iter().map(set).collect()
    }

    fn owns(&self, name: &str, of: &str, value: u8) -> bool {
        self.claims.iter().any(|owned| match owned {
            Owned::Name(n) => *n == name,
            Owned::RrSet(n, t) => (*n, *t) == (name, of),
            Owned::Texts(n, v) => (*n, "TXT") == (name, of) && text(value).starts_with(&text(*v)),
        })
    }

    /// Returns the zone as it has to be in the end, or the records that stand against it.
    fn outcome(&self) -> Result<Zone, BTreeSet<(String, String, String)>> {
        let mut before = BTreeMap::from([(("", "NS"), (3600, BTreeSet::from([0, 1])))]);
        before.extend(Self::values(&self.zone));
        let wanted = Self::values(&self.wanted);
        let (mut after, mut against) = (Zone::new(), BTreeSet::new());
        for ((name, of), (ttl, values)) in &before {
            let dynamic = *ttl == 60 && (*of == "A" || *of == "AAAA");
            let goal = wanted.get(&(*name, *of));
            let foreign = values.iter().filter(|value| match goal {
                Some((_, goal)) => !goal.contains(value) && !self.prune && !self.owns(name, of, **value),
                None if (*name, *of) == ("", "NS") => true,
                None => (dynamic || !self.prune) && !self.owns(name, of, **value),
            });
            let foreign: BTreeSet<u8> = foreign.copied().collect();
            let crowded = wanted.keys().any(|(n, t)| n == name && (*t == "CNAME") != (*of == "CNAME"));
            let refused = match goal {
                Some(_) => !self.merge || is_single(of),
                None => crowded,
            };
            if refused {
                against.extend(foreign.iter().map(|value| record(name, of, *value)));
            }
            let (ttl, all) = match goal {
                Some((goal_ttl, goal)) => {
                    (if dynamic { 60 } else { *goal_ttl.max(&3600) }, foreign.union(goal).copied().collect())
                }
                None => (*ttl, foreign),
            };
            if !all.is_empty() {
                after.insert((*name, *of), (ttl, all));
            }
        }
        for (key, (ttl, values)) in wanted {
            after.entry(key).or_insert((ttl.max(3600), values));
        }
        if against.is_empty() { Ok(after) } else { Err(against) }
    }
}

async fn hold(case: &Case) -> Result<(), TestCaseError> {
    let (fake, desired, domain) = (case.fake(), case.desired(), domain());
    let client = fake.client().unwrap();
    let before = fake.zone(&domain).unwrap();
    case.faults.iter().for_each(|fault| fake.inject(*fault));
    let result = if case.by_plan {
        by_plan(&client, &domain, &desired).await
    } else {
        client.ensure(&domain, &desired).await.map(drop)
    };
    let after = fake.zone(&domain).unwrap();
    match (case.outcome(), result) {
        (Err(against), Err(Error::Foreign { records, .. })) => {
            let named: BTreeSet<_> = records
                .iter()
                .map(|record| {
                    (
                        record.subname.as_str().into(),
                        record.rtype.to_string(),
                        record.content.to_ascii_lowercase(),
                    )
                })
                .collect();
            prop_assert_eq!(named, against);
            prop_assert_eq!((before, fake.calls().len()), (after, 1));
            return Ok(());
        }
        (Ok(goal), Ok(())) => {
            let seen: Vec<_> = after.iter().map(shown).collect();
            let goal: Vec<_> = goal
                .iter()
                .map(|((name, of), (ttl, values))| {
                    let mut records: Vec<String> =
                        values.iter().map(|value| record(name, of, *value).2).collect();
                    records.sort();
                    ((*name).to_owned(), (*of).to_owned(), *ttl, records)
                })
                .collect();
            prop_assert_eq!(seen, goal);
        }
        (goal, result) => return Err(TestCaseError::fail(format!("{result:?} for {goal:?}"))),
    }
    // What stays as it was, was not even touched.
    for set in &before {
        let now = after.iter().find(|now| shown(now) == shown(set));
        prop_assert!(now.is_none_or(|now| now == set), "{now:?} was {set:?}");
    }
    let writes = fake.calls().iter().filter(|call| call.method != Method::Get).count();
    let needed = usize::from(before != after);
    prop_assert!((needed..=needed * (1 + case.faults.len())).contains(&writes), "{} writes", writes);

    let seen = fake.calls().len();
    let again = client.plan(&domain, &desired).await.unwrap();
    prop_assert!(again.is_empty(), "{}", again);
    prop_assert_eq!(client.ensure(&domain, &desired).await.unwrap().writes, 0);
    let calls = fake.calls();
    prop_assert!(calls.len() == seen + 2 && calls[seen..].iter().all(|call| call.method == Method::Get));
    Ok(())
}

async fn by_plan(client: &Client, domain: &DomainName, desired: &Desired) -> Result<(), Error> {
    let plan = client.plan(domain, desired).await?;
    let stored = serde_json::to_vec(&plan).unwrap();
    client.apply(&serde_json::from_slice::<Plan>(&stored).unwrap()).await.map(drop)
}

/// Returns an RRset without its moments and the letter case of its names.
fn shown(set: &RrSet) -> (String, String, u32, Vec<String>) {
    let mut records: Vec<String> = set.records.iter().map(|content| content.to_ascii_lowercase()).collect();
    records.sort();
    (set.subname.as_str().into(), set.rtype.to_string(), set.ttl.seconds(), records)
}

fn record(name: &str, of: &str, value: u8) -> (String, String, String) {
    let content = canonical(&rtype(of), &spelled(of, value, 0)).unwrap().to_ascii_lowercase();
    (name.into(), of.into(), content)
}

fn is_single(of: &str) -> bool {
    of == "CNAME" || of == "DNAME"
}

fn ttl(seconds: u32) -> Ttl {
    Ttl::new(seconds).unwrap()
}

const PALETTE: usize = 4;
const NAMES: &[&str] = &["", "_dmarc", "a", "www", "x.a"];

#[test]
fn a_zone_becomes_as_wanted_and_stays_so() {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
    let (refused, done) = (Cell::new(0), Cell::new(0));
    let result = runner.run(&case(), |case| {
        let counter = if case.outcome().is_ok() { &done } else { &refused };
        counter.set(counter.get() + 1);
        runtime.block_on(hold(&case))
    });
    result.unwrap_or_else(|failure| panic!("{failure}"));
    let (refused, done) = (refused.get(), done.get());
    println!("{done} zones became as wanted, {refused} wishes were refused");
    assert!(done > refused && refused > done / 20, "the cases are of both kinds");
}
