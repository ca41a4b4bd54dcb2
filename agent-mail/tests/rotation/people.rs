//! New passwords for people, who have one at a time.

use std::collections::BTreeSet;
use std::sync::Arc;

use agent_mail::backend::SecretStore;
use agent_mail::{Address, ErrorKind, PasswordRotation};

use super::World;

#[tokio::test]
async fn wherever_a_persons_rotation_breaks_off_one_of_the_stored_passwords_works() {
    let person: Address = "ada@shop.example".parse().unwrap();
    let waiting = PasswordRotation::waiting(&person);
    for after in [false, true] {
        for step in 0.. {
            let world = World::new();
            world.office().add_domain(person.domain().clone());
            world.office().add_mailbox(&person, "old".into(), 0).unwrap();
            world.secrets.put(&person, &"old".into()).await.unwrap();
            let office = world.shaky(Arc::new(world.office().clone()));
            let rotation = PasswordRotation::new(office.clone(), office, world.shaky(world.secrets.clone()));
            world.chance.fail_after(step, after);
            let outcome = rotation.rotate(&person, true).await;
            let over = world.chance.calm();
            assert_eq!(outcome.is_ok(), over, "{after} {step}");
            let mut works = false;
            for place in [&person, &waiting] {
                if let Some(stored) = world.stored(place).await {
                    works |= world.opens(&person, &stored).await;
                }
            }
            assert!(works, "{after} {step}");
            if !over {
                rotation.rotate(&person, true).await.unwrap();
            }
            assert!(world.stored(&waiting).await.is_none());
            let stored = world.stored(&person).await.unwrap();
            assert!(world.opens(&person, &stored).await && !world.opens(&person, &"old".into()).await);
            if over {
                assert!(step >= 7, "{step} calls are too few");
                break;
            }
        }
    }
}

#[tokio::test]
async fn a_person_without_a_mailbox_leaves_no_secret() {
    let world = World::new();
    world.office().add_domain("shop.example".parse().unwrap());
    let office = world.shaky(Arc::new(world.office().clone()));
    let rotation = PasswordRotation::new(office.clone(), office, world.secrets.clone());
    let error = rotation.rotate(&"nobody@shop.example".parse().unwrap(), true).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(format!("{:?}", world.secrets), "MemorySecrets { secrets: 0 }");
}

#[test]
fn where_a_password_waits_is_an_address_of_its_own() {
    let local = ["a", "b", "\"a\"", "next a", &"x".repeat(60), &"y".repeat(60), "a.b"];
    let addresses = local.iter().filter_map(|local| format!("{local}@a.example").parse::<Address>().ok());
    let addresses: Vec<_> = addresses.collect();
    let waiting: BTreeSet<_> = addresses.iter().map(PasswordRotation::waiting).collect();
    assert_eq!(waiting.len(), addresses.len());
    assert!(addresses.iter().all(|address| !waiting.contains(address)));
}
