use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};

use super::*;

/// Compresses bytes as well as can be.
fn squeezed(bytes: &[u8]) -> Vec<u8> {
    deflated(bytes, Compression::best()).unwrap()
}

fn pair(buffer: usize) -> (DeflateStream, DuplexStream) {
    let (here, there) = tokio::io::duplex(buffer);
    (DeflateStream::new(Box::new(here)), there)
}

fn inflated(bytes: &[u8]) -> Vec<u8> {
    let mut inflate = Decompress::new(false);
    let mut whole = vec![0; 1 << 20];
    inflate.decompress(bytes, &mut whole, FlushDecompress::None).unwrap();
    assert_eq!(inflate.total_in(), bytes.len() as u64);
    whole.truncate(width(inflate.total_out()));
    whole
}

/// Text that doesn't repeat itself too much.
fn text(bytes: usize) -> Vec<u8> {
    (0_u32..)
        .flat_map(|number| format!("{}\r\n", number.wrapping_mul(2_654_435_761)).into_bytes())
        .take(bytes)
        .collect()
}

#[tokio::test]
async fn what_is_inflated_is_the_same_however_it_is_cut() {
    let said = [squeezed(b"* 3 EXISTS\r\n"), stored(b"A1 OK "), squeezed(b"done\r\n")].concat();
    for cut in 0..=said.len() {
        for room in [1, 5, 100] {
            let (mut stream, mut there) = pair(1000);
            let (first, second) = said.split_at(cut);
            let (mut read, mut piece) = (Vec::new(), vec![0; room]);
            for bytes in [first, second] {
                there.write_all(bytes).await.unwrap();
                // Dropped while nothing comes, a read takes nothing along.
                while let Ok(Ok(count)) = tokio::time::timeout(Duration::ZERO, stream.read(&mut piece)).await
                {
                    read.extend_from_slice(&piece[..count]);
                }
            }
            drop(there);
            assert_eq!(stream.read(&mut piece).await.unwrap(), 0);
            assert_eq!(String::from_utf8(read).unwrap(), "* 3 EXISTS\r\nA1 OK done\r\n", "{cut} {room}");
        }
    }
}

#[tokio::test]
async fn each_write_is_there_after_its_flush() {
    for length in [0, 1, 30, WORTHWHILE - 1, WORTHWHILE, PIECE, PIECE + 1, 300_000] {
        let (mut stream, mut there) = pair(1 << 20);
        let sent = text(length);
        let mut on_the_wire = Vec::new();
        for _ in 0..2 {
            stream.write_all(&sent).await.unwrap();
            stream.flush().await.unwrap();
            let mut piece = vec![0; 1 << 20];
            while let Ok(Ok(count)) = tokio::time::timeout(Duration::ZERO, there.read(&mut piece)).await {
                on_the_wire.extend_from_slice(&piece[..count]);
            }
            assert!(inflated(&on_the_wire).ends_with(&sent), "{length}");
        }
        assert_eq!(inflated(&on_the_wire), sent.repeat(2), "{length}");
        assert!(
            length < WORTHWHILE || on_the_wire.len() < length * 2 * 3 / 4,
            "{length}: {}",
            on_the_wire.len()
        );
    }
}

#[tokio::test]
async fn a_write_goes_through_a_narrow_link_and_a_dropped_flush() {
    let (mut stream, mut there) = pair(7);
    let sent = text(5000);
    let expected = sent.clone();
    let reader = tokio::spawn(async move {
        let mut on_the_wire = Vec::new();
        there.read_to_end(&mut on_the_wire).await.unwrap();
        on_the_wire
    });
    for piece in sent.chunks(1300) {
        assert_eq!(stream.write(piece).await.unwrap(), piece.len());
        let _ = tokio::time::timeout(Duration::ZERO, stream.flush()).await;
    }
    stream.shutdown().await.unwrap();
    drop(stream);
    assert_eq!(inflated(&reader.await.unwrap()), expected);
}

#[tokio::test]
async fn a_bomb_goes_off_in_no_more_than_its_ratio() {
    // 1 MiB of zeros, a thousand times over.
    let mebibyte = squeezed(&vec![0; 1 << 20]);
    let (mut stream, mut there) = pair(1 << 16);
    let server = tokio::spawn(async move {
        let mut sent = 0;
        for _ in 0..1000 {
            if there.write_all(&mebibyte).await.is_err() {
                break;
            }
            sent += mebibyte.len();
        }
        sent
    });
    let (mut piece, mut whole) = (vec![0; 8192], 0);
    let error = loop {
        match stream.read(&mut piece).await {
            Ok(count) => whole += count as u64,
            Err(error) => break error,
        }
    };
    assert_eq!(error.to_string(), "an answer is compressed too much");
    assert!(whole <= FLOOR + RATIO * READ as u64, "{whole}");
    drop(stream);
    assert!(server.await.unwrap() <= (1 << 16) + READ);
}

#[tokio::test]
async fn each_answer_has_a_ratio_of_its_own() {
    let (mut stream, mut there) = pair(1 << 20);
    let zeros = squeezed(&vec![0; 60_000]);
    let mut answer = vec![0; 60_000];
    for _ in 0..20 {
        stream.write_all(b"A1 NOOP\r\n").await.unwrap();
        there.write_all(&zeros).await.unwrap();
        stream.read_exact(&mut answer).await.unwrap();
    }
    there.write_all(&zeros).await.unwrap();
    assert!(stream.read_exact(&mut answer).await.is_err());
}

#[tokio::test]
async fn what_is_no_deflate_is_an_error_and_its_end_the_end() {
    for said in [&[0xff; 40][..], &[0, 1, 0, 0, 0], b"\x07"] {
        let (mut stream, mut there) = pair(1000);
        there.write_all(said).await.unwrap();
        let error = stream.read(&mut [0; 100]).await.unwrap_err();
        assert_eq!(error.to_string(), "what it sends is not compressed as agreed", "{said:?}");
    }
    let (mut stream, mut there) = pair(1000);
    // An empty last block (RFC 1951 section 3.2.3), and something behind it.
    there.write_all(&[&stored(b"bye")[..], &[3, 0], b"more"].concat()).await.unwrap();
    let mut read = Vec::new();
    stream.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, b"bye");
}
