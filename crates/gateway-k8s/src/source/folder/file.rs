//! One file, read again when it may have changed.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::contents::{Contents, Difference};
use super::finding::Finding;
use super::stamp::Stamp;

/// A file as it was last read.
#[derive(Debug)]
pub(super) struct File {
    /// Unless the same stamp could stand for other contents.
    stamp: Option<Stamp>,
    pub(super) contents: Arc<Contents>,
}

/// What has become of a file.
#[derive(Debug)]
pub(super) enum Refreshed {
    Same,
    /// It says the same, but it could be read before and cannot now, or could not.
    Trouble,
    Edited(Difference),
}

impl File {
    /// A file that has not been read yet.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            stamp: None,
            contents: Arc::new(Contents::empty(path)),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.contents.path
    }

    /// Reads the file if it may have changed. Whoever is told of an edit sets the
    /// contents.
    pub(super) fn refresh(&mut self) -> Refreshed {
        match read(self.path(), self.stamp) {
            Ok(Read::Same) => Refreshed::Same,
            Ok(Read::Text { text, stamp }) => {
                self.stamp = stamp;
                match self.contents.difference(&text) {
                    Some(difference) => Refreshed::Edited(difference),
                    None => self.trouble(None),
                }
            }
            Err(error) => {
                self.stamp = None;
                self.trouble(Some(Finding::error(
                    error.to_string(),
                    "make the file readable",
                )))
            }
        }
    }

    fn trouble(&mut self, now: Option<Finding>) -> Refreshed {
        let message = |finding: &Option<Finding>| finding.as_ref().map(|one| one.message.clone());
        if message(&now) == message(&self.contents.trouble) {
            return Refreshed::Same;
        }
        self.contents = Arc::new(self.contents.with_trouble(now));
        Refreshed::Trouble
    }
}

enum Read {
    Same,
    Text { text: String, stamp: Option<Stamp> },
}

fn read(path: &Path, known: Option<Stamp>) -> io::Result<Read> {
    let meta = fs::metadata(path)?;
    let stamp = Stamp::of(&meta);
    if known == Some(stamp) {
        return Ok(Read::Same);
    }
    if meta.len() > LARGEST_FILE {
        let message = format!("is larger than {} MiB", LARGEST_FILE >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    let now = SystemTime::now();
    let mut text = fs::read_to_string(path)?;
    if text.starts_with(BYTE_ORDER_MARK) {
        text.remove(0);
    }
    Ok(Read::Text {
        text,
        stamp: stamp.is_settled(now).then_some(stamp),
    })
}

// Someone else's file, or a mistake: a hundred thousand routes are a third of it.
const LARGEST_FILE: u64 = 128 << 20;
const BYTE_ORDER_MARK: char = '\u{feff}';
