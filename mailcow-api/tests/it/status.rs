//! The state of the server: recordings played back.

use mailcow_api::{Bytes, HostAddresses};

use crate::replay;

const ALL: &str = "server/status.json";

#[tokio::test]
async fn containers_are_read_by_their_service() {
    let all = replay::one(ALL, 0, &[]).containers().await.unwrap();
    assert_eq!(all.len(), 18);
    let postfix = &all["postfix-mailcow"];
    assert_eq!((postfix.id.as_str(), postfix.state.as_str()), ("postfix-mailcow", "running"));
    assert_eq!(postfix.started_at, "2026-11-20T07:01:02.123456789Z");
    assert!(postfix.image.ends_with("/postfix:1.0"));
}

#[tokio::test]
async fn a_container_is_measured() {
    let stats = replay::one(ALL, 4, &[]).container_stats(&"0".repeat(64)).await.unwrap();
    assert_eq!((stats.len(), stats[0].measured_at.as_str()), (1, "2026-11-20T08:00:00Z"));
    assert_eq!(stats[0].memory_stats["limit"], 2_000_000);
    assert_eq!(stats[0].cpu_stats["online_cpus"], 2);
    assert!(replay::client([]).container_stats("../host").await.is_err());
}

#[tokio::test]
async fn disk_and_host_are_read() {
    let disk = replay::one(ALL, 1, &[]).mail_storage().await.unwrap().unwrap();
    assert_eq!((disk.disk.as_str(), disk.used.as_str()), ("/dev/sda1", "11G"));
    assert_eq!((disk.total.as_str(), disk.used_percent.as_str()), ("252G", "13%"));
    let host = replay::one(ALL, 3, &[]).host_status().await.unwrap().unwrap();
    assert_eq!((host.cpu.cores, host.cpu.usage, host.memory.usage), (2, 3.5, 4.1));
    assert_eq!((host.memory.total, host.uptime), (Bytes::new(25_197_035_520), 123_456.7));
    assert_eq!((host.system_time.as_str(), host.architecture.as_str()), ("20.11.2026 09:00:00", "x86_64"));
    // Recorded without a way to the internet: false stands for no address.
    assert_eq!(replay::one(ALL, 5, &[]).host_addresses().await.unwrap(), HostAddresses::default());
}
