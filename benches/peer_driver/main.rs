//! Does what the peers of a benchmark do, on real servers, by this crate's public API.
//!
//! `peer-driver TASK key=value...` prints one line of JSON as its last one. A key that a task doesn't know is ignored.
//! Tasks are `send`, which hands messages over by submission; `fetch`, which reads a mailbox; `watch`, which waits for
//! mail to many of them; `rtt`, which does both at once; and `parse`, which decodes the files of a folder. With
//! `layer=agent` the first four, `watch` with a `user` only, are done by agents of the facade.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::str::FromStr;

use serde_json::Value;

mod agents;
mod fetch;
mod parse;
mod rtt;
mod seen;
mod send;
mod servers;
mod watch;

fn main() -> ExitCode {
    match run(std::env::args().skip(1)) {
        Ok(measured) => {
            println!("{measured}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("peer-driver: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(mut words: impl Iterator<Item = String>) -> Done<Value> {
    let task = words.next().ok_or_else(|| format!("no task is given; there are {TASKS}"))?;
    let options = Options::from_words(words)?;
    match task.as_str() {
        "fetch" => fetch::run(&options),
        "parse" => parse::run(&options),
        "rtt" => rtt::run(&options),
        "send" => send::run(&options),
        "watch" => watch::run(&options),
        unknown => Err(format!("there is no task `{unknown}`, only {TASKS}").into()),
    }
}

/// What a task ends with; the text of an error goes to stderr.
type Done<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The `key=value` words.
#[derive(Default)]
struct Options(HashMap<String, String>);

impl Options {
    fn from_words(words: impl Iterator<Item = String>) -> Done<Self> {
        let pair = |word: String| {
            let pair = word.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            pair.ok_or_else(|| format!("`{word}` is not key=value").into())
        };
        words.map(pair).collect::<Done<_>>().map(Self)
    }

    fn text<'a>(&'a self, key: &str, default: &'a str) -> &'a str {
        self.0.get(key).map_or(default, String::as_str)
    }

    fn number<T: FromStr>(&self, key: &str, default: T) -> Done<T> {
        let Some(value) = self.0.get(key) else { return Ok(default) };
        value.parse().map_err(|_| format!("{key}={value} is no number that it can be").into())
    }
}

const TASKS: &str = "`fetch`, `parse`, `rtt`, `send` and `watch`";

#[cfg(test)]
mod tests {
    use super::*;

    fn error(words: &[&str]) -> String {
        run(words.iter().map(ToString::to_string)).expect_err("it must fail").to_string()
    }

    #[test]
    fn what_is_not_understood_is_an_error() {
        assert!(error(&[]).contains("no task"));
        assert_eq!(error(&["look", "n=1"]), format!("there is no task `look`, only {TASKS}"));
        assert_eq!(error(&["parse", "repeat"]), "`repeat` is not key=value");
        assert_eq!(error(&["parse", "repeat=x"]), "repeat=x is no number that it can be");
    }

    #[test]
    fn a_folder_of_messages_is_counted() {
        let folder = std::env::temp_dir().join(format!("peer-driver-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("it can be made");
        let mail = "From: ada@agents.example\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
                    --b\r\n\r\nhello\r\n--b\r\nContent-Type: image/png\r\nContent-Transfer-Encoding: base64\r\n\
                    Content-Disposition: attachment\r\n\r\nAAEC\r\n--b--\r\n";
        for name in ["1.eml", "2.eml", "3.txt"] {
            std::fs::write(folder.join(name), mail).expect("it can be written");
        }
        let corpus = format!("corpus={}", folder.display());
        let measured = run(["parse", &corpus, "unknown=1"].into_iter().map(str::to_owned));
        std::fs::remove_dir_all(&folder).expect("it can be removed");
        let measured = measured.expect("it is read");
        let numbers = ["n", "att", "att_bytes", "subj"].map(|key| measured[key].as_u64());
        assert_eq!(numbers, [Some(2), Some(2), Some(6), Some(2 * ("x".len() + 18) as u64)]);
        assert!(measured["sec"].as_f64().is_some_and(|seconds| seconds > 0.0));
    }
}
