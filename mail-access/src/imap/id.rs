use std::sync::Arc;

/// What the server is told of the program (ID, RFC 2971), once; it is one pointer in each session.
#[derive(Debug, Default)]
pub(super) struct Id(Option<Box<Step>>);

#[derive(Debug)]
enum Step {
    /// It goes out in one flight with the next command.
    Due(Arc<str>),
    Sent,
}

impl Id {
    /// Has it told.
    pub(super) fn due(fields: &Arc<str>) -> Self {
        Self(Some(Box::new(Step::Due(Arc::clone(fields)))))
    }

    /// Returns what goes out before the next command.
    pub(super) fn take(&mut self) -> String {
        match self.0.as_deref_mut().map(|step| std::mem::replace(step, Step::Sent)) {
            Some(Step::Due(fields)) => format!("{TAG} ID {fields}\r\n"),
            Some(Step::Sent) | None => String::new(),
        }
    }

    /// Tells whether this is the tag of its answer, whose content is of no use.
    pub(super) fn is_answered(&mut self, tag: &str) -> bool {
        let is_answered = matches!(self.0.as_deref(), Some(Step::Sent)) && tag == TAG;
        if is_answered {
            tracing::debug!("the server answered ID");
            self.0 = None;
        }
        is_answered
    }
}

/// Writes a program's name and version as they stand in the command; else it says what is wrong.
pub(crate) fn fields(name: &str, version: &str) -> Result<Arc<str>, String> {
    let quoted = |field: &str, value: &str| {
        if value.is_empty()
            || value.len() > MAX_VALUE
            || !value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        {
            return Err(format!("its {field} has to be 1 to {MAX_VALUE} characters of printable ASCII"));
        }
        Ok(format!("\"{field}\" \"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")))
    };
    Ok(format!("({} {})", quoted("name", name)?, quoted("version", version)?).into())
}

const TAG: &str = "I1";
/// Bytes of one value (RFC 2971 section 3.3).
const MAX_VALUE: usize = 1024;
