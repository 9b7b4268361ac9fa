//! Finds the documents of a file without parsing them.

/// One document of a file, or what stands before the first or between two.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Piece<'t> {
    /// The document with its `---`, if it has one, and its comments.
    pub(super) text: &'t str,
    /// How many lines end in it.
    pub(super) lines: usize,
    /// Whether it says anything.
    pub(super) has_content: bool,
}

/// The pieces of a text in order, without a gap.
///
/// A line that begins with `---` begins a document wherever it stands, in a block
/// scalar too, and `...` ends one (YAML 1.2, section 9.1.4), so that looking at
/// the beginnings of lines is enough. JSON has no such lines.
///
/// Where a piece ends does not depend on what was before it: a text that is the
/// same from the beginning of a piece on has the same pieces from there on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces<'t> {
    rest: &'t str,
}

impl<'t> Pieces<'t> {
    /// The pieces of `text`, which begins where a piece begins.
    pub(super) fn of(text: &'t str) -> Self {
        Self { rest: text }
    }

    /// How much of the text is left.
    pub(super) fn left(&self) -> usize {
        self.rest.len()
    }
}

impl<'t> Iterator for Pieces<'t> {
    type Item = Piece<'t>;

    fn next(&mut self) -> Option<Piece<'t>> {
        let mut open = Open::default();
        let (mut length, mut lines) = (0, 0);

        for line in self.rest.split_inclusive('\n') {
            if length > 0 && is_marker(line, "---") && !open.only_directives {
                break;
            }
            open.look_at(line);
            length += line.len();
            lines += usize::from(line.ends_with('\n'));
            if is_marker(line, "...") {
                break;
            }
        }
        let (text, rest) = self.rest.split_at(length);
        self.rest = rest;
        (!text.is_empty()).then_some(Piece {
            text,
            lines,
            has_content: open.has_content,
        })
    }
}

/// The line, from 1 in `text`, on which a document says something.
pub(super) fn first_line(text: &str) -> usize {
    let says_something = |line: &str| !is_silent(line);
    text.lines()
        .position(says_something)
        .map_or(1, |index| index + 1)
}

#[derive(Default)]
struct Open {
    has_content: bool,
    begins_with_marker: bool,
    // `%YAML 1.2` belongs to the document whose `---` follows.
    only_directives: bool,
}

impl Open {
    fn look_at(&mut self, line: &str) {
        if is_marker(line, "---") {
            self.begins_with_marker = true;
            self.only_directives = false;
        }
        if line.starts_with('%') && !self.begins_with_marker && !self.has_content {
            self.only_directives = true;
        } else if !is_silent(line) {
            self.has_content = true;
            self.only_directives = false;
        }
    }
}

/// Whether a line is blank, a comment, or a bare marker.
fn is_silent(line: &str) -> bool {
    let rest = if is_marker(line, "---") || is_marker(line, "...") {
        &line[3..]
    } else {
        line
    };
    let rest = rest.trim();
    rest.is_empty() || rest.starts_with('#')
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The documents with the lines on which they begin.
    fn texts(text: &str) -> Vec<(usize, &str)> {
        let mut line = 1;
        let mut found = Vec::new();
        for piece in Pieces::of(text) {
            if piece.has_content {
                found.push((line, piece.text));
            }
            line += piece.lines;
        }
        found
    }

    #[test]
    fn documents_are_separated_by_markers() {
        assert_eq!(
            texts("a: 1\n---\nb: 2\n--- # named\nc: 3\n"),
            [
                (1, "a: 1\n"),
                (2, "---\nb: 2\n"),
                (4, "--- # named\nc: 3\n")
            ]
        );
    }

    #[test]
    fn empty_documents_are_left_out() {
        assert_eq!(
            texts("---\n---\n# nothing\n---\n\na: 1"),
            [(4, "---\n\na: 1")]
        );
        assert_eq!(texts(""), []);
    }

    #[test]
    fn three_dots_end_a_document() {
        assert_eq!(
            texts("a: 1\n...\n# late\n---\nb: 2\n"),
            [(1, "a: 1\n...\n"), (4, "---\nb: 2\n")]
        );
    }

    #[test]
    fn directives_stay_with_the_document_they_are_for() {
        assert_eq!(
            texts("a: 1\n...\n%YAML 1.2\n---\nb: 2\n"),
            [(1, "a: 1\n...\n"), (3, "%YAML 1.2\n---\nb: 2\n")]
        );
    }

    #[test]
    fn there_are_no_directives_within_a_document() {
        assert_eq!(
            texts("---\n%\n---\nb: 2\n"),
            [(1, "---\n%\n"), (3, "---\nb: 2\n")]
        );
    }

    #[test]
    fn a_longer_line_of_dashes_is_no_marker() {
        assert_eq!(texts("a: |\n ---\n----\n"), [(1, "a: |\n ---\n----\n")]);
    }

    #[test]
    fn first_line_skips_what_says_nothing() {
        assert_eq!(first_line("---\n# about\n\na: 1\n"), 4);
        assert_eq!(first_line("--- {a: 1}\n"), 1);
    }

    proptest! {
        /// Pieces are the text, their lines are its lines, and they are found again
        /// from the beginning of any of them.
        #[test]
        fn pieces_are_the_text(lines in prop::collection::vec("(---|\\.\\.\\.|%Y|#c|a: 1|--- b|)\r?", 0..20)) {
            let text = lines.join("\n");
            let mut pieces = Pieces::of(&text);
            let mut before = (0, 0);
            let all: Vec<_> = pieces.collect();
            for (index, piece) in all.iter().enumerate() {
                prop_assert!(text[before.0..].starts_with(piece.text));
                prop_assert_eq!(pieces.left(), text.len() - before.0);
                prop_assert!(Pieces::of(&text[before.0..]).eq(all[index..].iter().copied()));
                before = (before.0 + piece.text.len(), before.1 + piece.lines);
                pieces.next();
            }
            prop_assert_eq!(before, (text.len(), text.matches('\n').count()));
        }
    }
}
