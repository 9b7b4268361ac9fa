//! Reads Prometheus' text format, strictly.

use std::collections::{BTreeMap, BTreeSet};

type Labels = BTreeMap<String, String>;

/// What a scrape told.
#[derive(Debug)]
pub(crate) struct Exposition {
    kinds: BTreeMap<String, String>,
    samples: Vec<(String, Labels, f64)>,
}

impl Exposition {
    /// Panics unless every line is as the format and the conventions for names say.
    pub(crate) fn parse(text: &str) -> Self {
        let mut kinds = BTreeMap::new();
        let mut samples = Vec::new();
        let (mut current, mut helped) = (None, None);
        assert!(text.ends_with('\n'));
        for line in text.lines() {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a name and a text");
                assert!(help.ends_with('.'), "{line}");
                helped = Some(name);
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a name and a kind");
                assert_eq!(helped, Some(name), "HELP comes first");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
                let known = kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(known, None, "{name} comes twice");
                current = Some(name);
            } else {
                let (name, labels, value) = sample(line);
                assert_eq!(current, Some(name), "is not among its own: {line}");
                samples.push((name.to_owned(), labels, value));
            }
        }

        let series = samples.iter().map(|(name, labels, _)| (name, labels));
        let different: BTreeSet<_> = series.clone().collect();
        assert_eq!(different.len(), series.count(), "a series comes twice");
        Self { kinds, samples }
    }

    /// The names, and counter or gauge.
    pub(crate) fn kinds(&self) -> BTreeMap<String, String> {
        self.kinds.clone()
    }

    /// The value of the series with exactly these labels.
    pub(crate) fn value(&self, name: &str, labels: &[(&str, &str)]) -> Option<f64> {
        let wanted: Labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let mut samples = self.samples.iter();
        let found = samples.find(|(of, labels, _)| of == name && *labels == wanted);

        found.map(|(_, _, value)| *value)
    }
}

fn sample(line: &str) -> (&str, Labels, f64) {
    let is_of_a_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    let end = line.find(|c| !is_of_a_name(c)).expect("a value");
    let (name, mut rest) = line.split_at(end);
    let mut labels = Labels::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (label, value) = rest.split_once("=\"").expect("a label");
            assert!(
                !label.is_empty() && label.chars().all(is_of_a_name),
                "{line}"
            );
            let (value, after) = quoted(value);
            assert_eq!(labels.insert(label.to_owned(), value), None, "{line}");
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = after.strip_prefix('}').expect("an end");
                    break;
                }
            }
        }
    }

    let value = rest.strip_prefix(' ').expect("one space");
    (name, labels, value.parse().expect("a number"))
}

/// What stands before the closing quote, and what stands behind it.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('\\' | '"'))) => value.push(escaped),
                other => panic!("escapes {other:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("{text} has no end")
}
