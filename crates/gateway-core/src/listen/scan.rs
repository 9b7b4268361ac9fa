//! What hyper forgives in a request's head, and an edge must not.
//!
//! hyper takes a bare LF for the end of a line, drops `Content-Length` beside
//! `Transfer-Encoding` without a word, and accepts any byte in the extensions of
//! chunks. Servers that read one of these differently are how requests are smuggled. So lines are looked at before hyper sees them, and one that
//! is not to be forgiven is spoiled: hyper answers 400 then and closes.

/// Follows the messages of an HTTP/1 connection.
#[derive(Debug, Default)]
pub(super) struct Scan {
    state: State,
    line: Line,
    /// The request line has been read.
    begun: bool,
    length: Option<u64>,
    chunked: bool,
    upgrade: bool,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    /// So many bytes are none of ours.
    Body(u64),
    ChunkSize,
    /// With the end of its line.
    Chunk(u64),
    Trailers,
    /// What follows may be another protocol.
    Upgrade,
}

impl Scan {
    /// Looks at what was just read.
    pub(super) fn read(&mut self, mut bytes: &mut [u8]) {
        while !bytes.is_empty() {
            let used = match &mut self.state {
                State::Upgrade => return,
                State::Body(left) | State::Chunk(left) => {
                    let used = usize::try_from(*left)
                        .unwrap_or(usize::MAX)
                        .min(bytes.len());
                    *left -= used as u64;
                    if *left == 0 {
                        self.end_of_data();
                    }
                    used
                }
                State::Head | State::ChunkSize | State::Trailers => self.read_line(bytes),
            };
            bytes = &mut bytes[used..];
        }
    }

    /// A request that asked for an upgrade was answered, and the connection is HTTP
    /// as before.
    pub(super) fn resume(&mut self) {
        if matches!(self.state, State::Upgrade) {
            self.state = State::Head;
        }
    }

    fn end_of_data(&mut self) {
        self.state = match self.state {
            State::Chunk(_) => State::ChunkSize,
            _ => State::Head,
        };
    }

    fn read_line(&mut self, bytes: &mut [u8]) -> usize {
        let end = memchr::memchr(b'\n', bytes);
        let part = &bytes[..end.unwrap_or(bytes.len())];
        self.line.push(part);
        if matches!(self.state, State::ChunkSize) {
            // Of fields hyper refuses such bytes itself.
            self.line.control |= part.iter().any(is_control);
        }
        let Some(end) = end else {
            return bytes.len();
        };
        if self.line.last != b'\r' || !self.end_of_line() {
            // No line may have this byte.
            bytes[end] = 0;
        }
        self.line = Line::default();
        end + 1
    }

    /// Whether the line may pass.
    fn end_of_line(&mut self) -> bool {
        let is_empty = self.line.length == 1;
        match self.state {
            State::Head if is_empty => {
                if self.begun {
                    self.end_of_head();
                }
                true
            }
            State::Head if !self.begun => {
                self.begun = true;
                true
            }
            State::Head => self.field(),
            State::ChunkSize => self.chunk(),
            State::Trailers => {
                if is_empty {
                    self.state = State::Head;
                }
                true
            }
            State::Body(_) | State::Chunk(_) | State::Upgrade => true,
        }
    }

    fn end_of_head(&mut self) {
        self.state = if self.upgrade {
            State::Upgrade
        } else if self.chunked {
            State::ChunkSize
        } else {
            match self.length {
                Some(length) if length > 0 => State::Body(length),
                _ => State::Head,
            }
        };
        self.begun = false;
        self.length = None;
        self.chunked = false;
        self.upgrade = false;
    }

    fn field(&mut self) -> bool {
        let line = self.line.kept();
        if let Some(length) = value(line, b"content-length:") {
            // A second one is no better than another length.
            let is_alone = self.length.is_none() && !self.chunked;
            self.length = number(length, 10);
            return is_alone && self.length.is_some() && self.line.is_whole();
        }
        if value(line, b"transfer-encoding:").is_some() {
            self.chunked = true;
            return self.length.is_none();
        }
        if value(line, b"upgrade:").is_some() {
            self.upgrade = true;
        }
        true
    }

    fn chunk(&mut self) -> bool {
        if self.line.control {
            return false;
        }
        let line = self.line.kept();
        let end = line.iter().position(|byte| b";\r \t".contains(byte));
        let Some(size) = end.and_then(|end| number(&line[..end], 16)) else {
            return false;
        };
        self.state = match size {
            0 => State::Trailers,
            // A size that overflows is too large for hyper, too.
            size => State::Chunk(size.saturating_add(2)),
        };
        true
    }
}

/// A line on its way: how it begins and how it ended so far.
#[derive(Debug)]
struct Line {
    start: [u8; KEPT],
    length: usize,
    last: u8,
    control: bool,
}

/// Longer than the fields that matter, with a length of 20 digits.
const KEPT: usize = 48;

impl Line {
    fn push(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else {
            return;
        };
        if let Some(room) = self.start.get_mut(self.length..) {
            let kept = room.len().min(bytes.len());
            room[..kept].copy_from_slice(&bytes[..kept]);
        }
        self.length += bytes.len();
        self.last = *last;
    }

    fn kept(&self) -> &[u8] {
        &self.start[..self.length.min(KEPT)]
    }

    fn is_whole(&self) -> bool {
        self.length <= KEPT
    }
}

impl Default for Line {
    fn default() -> Self {
        Self {
            start: [0; KEPT],
            length: 0,
            last: 0,
            control: false,
        }
    }
}

/// Other than those that lines have.
fn is_control(byte: &u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r')
}

/// What follows `name`, if the line is that field.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, value) = line.split_at_checked(name.len())?;

    start.eq_ignore_ascii_case(name).then(|| value.trim_ascii())
}

fn number(digits: &[u8], radix: u32) -> Option<u64> {
    // `from_str_radix` would accept a sign.
    if !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What hyper gets of `raw`, in pieces of `size` bytes.
    fn passed(raw: &str, size: usize) -> Vec<u8> {
        let mut scan = Scan::default();
        let mut bytes = raw.as_bytes().to_vec();
        bytes.chunks_mut(size).for_each(|piece| scan.read(piece));
        bytes
    }

    fn is_spoiled(raw: &str) -> bool {
        passed(raw, 4096).contains(&0)
    }

    #[test]
    fn proper_requests_pass_untouched() {
        for raw in [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\n\na\nGET / HTTP/1.1\r\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x\r\n\na\n\r\n0\r\nT: x\r\n\r\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\r\nUpgrade: x\r\n\r\nany\nthing",
        ] {
            assert_eq!(passed(raw, 4096), raw.as_bytes(), "{raw:?}");
        }
    }

    #[test]
    fn bare_line_feeds_are_spoiled_in_every_head() {
        for raw in [
            "\nGET / HTTP/1.1\r\n\r\n",
            "GET / HTTP/1.1\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\n\r\n",
            "GET / HTTP/1.1\r\nHost: a\r\n\n",
            "POST / HTTP/1.1\r\nContent-Length: 1\r\n\r\nxGET / HTTP/1.1\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\nGET / HTTP/1.1\n\r\n",
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: x\n\r\n",
        ] {
            assert!(is_spoiled(raw), "{raw:?}");
        }
    }

    #[test]
    fn control_bytes_of_chunk_extensions_are_spoiled() {
        let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";

        assert!(is_spoiled(&format!("{head}1;\u{1}\r\nx\r\n0\r\n\r\n")));
        assert!(!is_spoiled(&format!("{head}1;a\t=b\r\n\u{1}\r\n0\r\n\r\n")));
    }

    #[test]
    fn two_framings_are_spoiled() {
        let (length, chunked) = ("content-length:5\r\n", "TRANSFER-ENCODING: chunked\r\n");
        for fields in [
            format!("{length}{chunked}"),
            format!("{chunked}X: y\r\n{length}"),
            format!("{length}{length}"),
        ] {
            assert!(is_spoiled(&format!("POST / HTTP/1.1\r\n{fields}\r\n")));
        }
    }

    #[test]
    fn refused_upgrade_is_followed_by_http() {
        let mut scan = Scan::default();
        let mut request = *b"GET / HTTP/1.1\r\nUpgrade: x\r\n\r\n";
        let mut next = *b"GET / HTTP/1.1\n\r\n";
        scan.read(&mut request);

        scan.resume();
        scan.read(&mut next);

        assert!(next.contains(&0));
    }

    proptest! {
        /// However the bytes are cut, the same ones are spoiled.
        #[test]
        fn cuts_change_nothing(parts in proptest::collection::vec(
            prop_oneof!["\r\n", "\n", "X: y\r\n", "Content-Length: 2\r\n", "Transfer-Encoding: chunked\r\n", "2\r\n", "0\r\n", "GET / HTTP/1.1\r\n", "ab"], 0..12), size in 1usize..9) {
            let raw = parts.concat();
            prop_assert_eq!(passed(&raw, size), passed(&raw, 4096));
        }
    }
}
