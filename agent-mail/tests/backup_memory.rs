//! A backup holds one message at a time: a mailbox of ten or a hundred times the size takes no more memory than one.

use agent_mail::backup::Backups;
use agent_mail::mail_access::{FolderName, Login, MessageStore, PostOffice};
use agent_mail::{Address, EncryptionKey};
use peak_alloc::PeakAlloc;

#[global_allocator]
static HEAP: PeakAlloc = PeakAlloc;

#[tokio::test]
async fn a_mailbox_of_any_size_is_backed_up_verified_and_restored_in_the_same_memory() {
    let folder = tempfile::tempdir().unwrap();
    let backups = Backups::open(folder.path(), EncryptionKey::generate()).unwrap();
    let mut small: Option<[usize; 3]> = None;
    // The first round warms up what is made once: threads, buffers.
    for messages in [SMALL, SMALL, 10 * SMALL, 100 * SMALL] {
        let office = PostOffice::new();
        office.add_domain("agents.example".parse().unwrap());
        let (ada, bob) = (login(&office, "ada"), login(&office, "bob"));
        for n in 0..messages {
            let message = format!("Subject: {n}\r\n\r\n{}\r\n", "x".repeat(SIZE));
            office.append(&ada, &FolderName::inbox(), message.as_bytes(), &[], None).await.unwrap();
        }
        let (archive, backed_up) = peak(backups.back_up(&office, &ada)).await;
        let archive = archive.unwrap();
        assert_eq!(archive.messages, messages as u64);
        let (verified, read) = peak(backups.verify(&archive)).await;
        verified.unwrap();
        // A mailbox that has all of it takes nothing in, so that only the work is measured.
        backups.restore(&archive, &office, &bob).await.unwrap();
        let (restored, filed) = peak(backups.restore(&archive, &office, &bob)).await;
        assert_eq!(restored.unwrap().present, messages as u64);
        let peaks = [backed_up, read, filed];
        println!("{messages} messages of {SIZE} bytes: {peaks:?} bytes at most");
        if messages == SMALL {
            small = Some(peaks);
            continue;
        }
        // What a folder's list takes of a message: its number, flags, date, size.
        let lists = (messages - SMALL) * ENTRY;
        for (peak, small) in peaks.iter().zip(small.unwrap()) {
            assert!(*peak < small + small / 2 + lists, "{messages}: {peaks:?}, and {small} with {SMALL}");
        }
    }
}

/// Returns how much more than before was held at most while something was done.
async fn peak<T>(work: impl Future<Output = T>) -> (T, usize) {
    let before = HEAP.current_usage();
    HEAP.reset_peak_usage();
    let done = work.await;
    (done, HEAP.peak_usage().saturating_sub(before))
}

fn login(office: &PostOffice, name: &str) -> Login {
    let address: Address = format!("{name}@agents.example").parse().unwrap();
    let login = Login::new(address, "a password".into());
    office.add_mailbox(login.address(), login.password().clone(), 0).unwrap();
    login
}

const SMALL: usize = 4;
/// Bytes of a message.
const SIZE: usize = 64 << 10;
/// Bytes.
const ENTRY: usize = 512;
