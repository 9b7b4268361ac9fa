//! Aligned columns.

use std::fmt::Write;

use crate::paint::Paint;

/// Rows of so many columns, each as wide as its widest cell.
#[derive(Debug)]
pub(crate) struct Table<const COLUMNS: usize> {
    rows: Vec<[Cell; COLUMNS]>,
}

/// A text, and how it is painted.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    style: fn(Paint, &str) -> String,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::styled(text, |_, text| text.to_owned())
    }

    pub(crate) fn styled(text: impl Into<String>, style: fn(Paint, &str) -> String) -> Self {
        Self {
            text: text.into(),
            style,
        }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }
}

impl<const COLUMNS: usize> Table<COLUMNS> {
    /// A table with a head.
    pub(crate) fn new(head: [&str; COLUMNS]) -> Self {
        let head = head.map(|text| Cell::styled(text, |paint, text| paint.strong(text)));

        Self { rows: vec![head] }
    }

    /// A table without a head.
    pub(crate) fn headless() -> Self {
        Self { rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [Cell; COLUMNS]) {
        self.rows.push(cells);
    }

    /// The table as text. Lines do not end with spaces.
    pub(crate) fn render(&self, paint: Paint) -> String {
        let width = |column: usize| self.rows.iter().map(|row| row[column].width()).max();
        let widths: [usize; COLUMNS] =
            std::array::from_fn(|column| width(column).unwrap_or_default());
        let mut text = String::new();

        for row in &self.rows {
            let filled = row.iter().rposition(|cell| !cell.text.is_empty());
            let last = filled.unwrap_or_default();
            for (column, cell) in row.iter().enumerate().take(last + 1) {
                let painted = (cell.style)(paint, &cell.text);
                let gap = if column == last {
                    0
                } else {
                    widths[column] - cell.width() + GAP
                };
                // Writing to a String cannot fail.
                let _ = write!(text, "{painted}{:gap$}", "");
            }
            text.push('\n');
        }
        text
    }
}

const GAP: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_lines_have_no_tail() {
        let mut table = Table::new(["name", "value"]);
        table.row([Cell::plain("a"), Cell::plain("")]);
        table.row([Cell::plain("long name"), Cell::plain("1")]);

        assert_eq!(
            table.render(Paint::new(false)),
            "name       value\na\nlong name  1\n"
        );
    }

    #[test]
    fn paint_takes_no_room() {
        let mut table = Table::new(["n", "v"]);
        table.row([
            Cell::styled("x", |paint, text| paint.good(text)),
            Cell::plain("1"),
        ]);

        let painted = table.render(Paint::new(true));

        assert!(painted.contains("\x1b[32mx\x1b[0m  1"), "{painted:?}");
    }
}
