use std::path::Path;

use mail_access::quote::PartKind;

/// A mail with a label for each of its lines.
pub(crate) struct Mail {
    pub(crate) name: String,
    pub(crate) hold_out: bool,
    pub(crate) text: String,
    pub(crate) labels: Vec<PartKind>,
}

/// Returns the mails of each file by its name.
pub(crate) fn labelled() -> Vec<(String, Vec<Mail>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/quote/mails");
    let mut files: Vec<_> = folder.read_dir().unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    let language = |path: &Path| path.file_stem().unwrap().to_string_lossy().into_owned();
    files.iter().map(|path| (language(path), mails(&std::fs::read_to_string(path).unwrap()))).collect()
}

fn mails(file: &str) -> Vec<Mail> {
    let mut mails: Vec<Mail> = Vec::new();
    for line in file.lines().filter(|line| !line.starts_with('#')) {
        if let Some(title) = line.strip_prefix("=== ") {
            let (name, half) = title.split_once(" | ").expect("a name and a half");
            assert!(["tune", "hold-out"].contains(&half), "{title}");
            let (name, hold_out) = (name.to_owned(), half == "hold-out");
            mails.push(Mail { name, hold_out, text: String::new(), labels: Vec::new() });
            continue;
        }
        let mail = mails.last_mut().expect("a title first");
        mail.labels.push(match line.as_bytes().first() {
            Some(b'+') => PartKind::New,
            Some(b'-') => PartKind::Quoted,
            Some(b'~') => PartKind::Signature,
            _ => panic!("no label in {}: {line:?}", mail.name),
        });
        mail.text.push_str(&line[1..]);
        mail.text.push('\n');
    }
    mails
}
