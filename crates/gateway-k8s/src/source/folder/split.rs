//! Finds the documents of a file without parsing them.

/// One document of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Document<'t> {
    /// The line of the file on which `text` begins, from 1.
    pub(super) line: usize,
    /// The document with its `---`, if it has one, and its comments.
    pub(super) text: &'t str,
}

/// The documents of `text` in order, without those that are empty.
///
/// A line that begins with `---` begins a document wherever it stands, in a block
/// scalar too, and `...` ends one (YAML 1.2, section 9.1.4), so that looking at
/// the beginnings of lines is enough. JSON has no such lines.
pub(super) fn documents(text: &str) -> Vec<Document<'_>> {
    let mut found = Vec::new();
    let mut open = Open::at(0, 1);
    let mut offset = 0;

    for (index, line) in text.split_inclusive('\n').enumerate() {
        let number = index + 1;
        if is_marker(line, "---") && !open.only_directives {
            found.extend(open.close(text, offset));
            open = Open::at(offset, number);
        }
        open.look_at(line);
        offset += line.len();
        if is_marker(line, "...") {
            found.extend(open.close(text, offset));
            open = Open::at(offset, number + 1);
        }
    }
    found.extend(open.close(text, offset));
    found
}

/// The line, from 1 in `text`, on which a document says something.
pub(super) fn first_line(text: &str) -> usize {
    let says_something = |line: &str| !is_silent(line);
    text.lines()
        .position(says_something)
        .map_or(1, |index| index + 1)
}

struct Open {
    start: usize,
    line: usize,
    has_content: bool,
    begins_with_marker: bool,
    // `%YAML 1.2` belongs to the document whose `---` follows.
    only_directives: bool,
}

impl Open {
    fn at(start: usize, line: usize) -> Self {
        Self {
            start,
            line,
            has_content: false,
            begins_with_marker: false,
            only_directives: false,
        }
    }

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

    fn close<'t>(&self, text: &'t str, end: usize) -> Option<Document<'t>> {
        self.has_content.then(|| Document {
            line: self.line,
            text: &text[self.start..end],
        })
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

    fn texts(text: &str) -> Vec<(usize, &str)> {
        documents(text)
            .iter()
            .map(|document| (document.line, document.text))
            .collect()
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
        /// Documents are disjoint slices of the text, in order, at their lines.
        #[test]
        fn lines_are_those_of_the_file(lines in prop::collection::vec("(---|\\.\\.\\.|%Y|#c|a: 1|--- b|)\r?", 0..20)) {
            let text = lines.join("\n");
            let mut end = 0;
            for document in documents(&text) {
                let start = document.text.as_ptr() as usize - text.as_ptr() as usize;
                prop_assert!(start >= end);
                prop_assert_eq!(text[..start].matches('\n').count() + 1, document.line);
                end = start + document.text.len();
            }
        }
    }
}
