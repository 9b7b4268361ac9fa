//! Finds the line of a field.

use serde_saphyr::granit_parser::{Event, Parser};

/// The lines of everything in one document of YAML or JSON.
#[derive(Debug)]
pub(super) struct Lines {
    root: Option<Node>,
}

impl Lines {
    /// Reads as far as the text can be read: what stands before a mistake is
    /// still found.
    pub(super) fn read(text: &str) -> Self {
        let mut build = Build::default();
        for next in Parser::new_from_str(text) {
            let Ok((event, span)) = next else { break };
            build.take(event, span.start.line());
            if build.root.is_some() {
                break;
            }
        }
        Self {
            root: build.finish(),
        }
    }

    /// The line, from 1, of the field at `path` (`spec.rules[0].name`), or of the
    /// innermost part around it that is there.
    pub(super) fn line(&self, path: &str) -> usize {
        self.find(path).map_or(1, |(node, _)| node.line)
    }

    /// The text at `path`, if there is exactly that and it is a scalar.
    pub(super) fn scalar(&self, path: &str) -> Option<&str> {
        match self.find(path)? {
            (
                Node {
                    inside: Inside::Scalar(text),
                    ..
                },
                "",
            ) => Some(text),
            _ => None,
        }
    }

    /// The innermost node on the way to `path`, and what is left of the way.
    fn find<'p>(&self, path: &'p str) -> Option<(&Node, &'p str)> {
        let mut node = self.root.as_ref()?;
        let mut rest = path;
        while let Some((inner, after)) = node.step(rest) {
            node = inner;
            rest = after;
        }
        Some((node, rest))
    }
}

#[derive(Debug)]
struct Node {
    line: usize,
    inside: Inside,
}

#[derive(Debug)]
enum Inside {
    Scalar(String),
    Mapping(Vec<(String, Node)>),
    Sequence(Vec<Node>),
}

impl Node {
    fn step<'p>(&self, path: &'p str) -> Option<(&Self, &'p str)> {
        match &self.inside {
            Inside::Scalar(_) => None,
            Inside::Sequence(items) => {
                let (index, rest) = path.strip_prefix('[')?.split_once(']')?;
                Some((items.get(index.parse::<usize>().ok()?)?, rest))
            }
            Inside::Mapping(entries) => {
                let fitting = entries
                    .iter()
                    .filter_map(|(key, node)| Some((key.len(), node, after_key(path, key)?)));
                // Keys may have dots: the longest that fits is meant.
                let (_, node, rest) = fitting.max_by_key(|(length, ..)| *length)?;
                Some((node, rest))
            }
        }
    }
}

/// What follows `key` in `path`, written as `.key`, `key` or `[key]`.
fn after_key<'p>(path: &'p str, key: &str) -> Option<&'p str> {
    if let Some(bracketed) = path.strip_prefix('[') {
        return bracketed.strip_prefix(key)?.strip_prefix(']');
    }
    let rest = path.strip_prefix('.').unwrap_or(path).strip_prefix(key)?;
    (rest.is_empty() || rest.starts_with(['.', '['])).then_some(rest)
}

#[derive(Default)]
struct Build {
    open: Vec<Open>,
    root: Option<Node>,
}

enum Open {
    Mapping {
        line: usize,
        entries: Vec<(String, Node)>,
        key: Option<(String, usize)>,
    },
    Sequence {
        line: usize,
        items: Vec<Node>,
    },
}

impl Build {
    fn take(&mut self, event: Event<'_>, line: usize) {
        match event {
            Event::Scalar(text, ..) => self.add(Node::scalar(text.into_owned(), line)),
            // What an alias stands for has its own lines elsewhere.
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.add(Node::scalar(String::new(), line));
            }
            Event::MappingStart(..) => self.open.push(Open::Mapping {
                line,
                entries: Vec::new(),
                key: None,
            }),
            Event::SequenceStart(..) => self.open.push(Open::Sequence {
                line,
                items: Vec::new(),
            }),
            Event::MappingEnd | Event::SequenceEnd => self.close(),
            _ => {}
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.add(open.into_node());
        }
    }

    fn add(&mut self, mut node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::Sequence { items, .. }) => items.push(node),
            Some(Open::Mapping { entries, key, .. }) => match key.take() {
                Some((name, line)) => {
                    node.line = line;
                    entries.push((name, node));
                }
                None => *key = Some((node.take_text(), node.line)),
            },
        }
    }

    fn finish(mut self) -> Option<Node> {
        while !self.open.is_empty() {
            self.close();
        }
        self.root
    }
}

impl Open {
    fn into_node(self) -> Node {
        match self {
            Self::Mapping { line, entries, .. } => Node {
                line,
                inside: Inside::Mapping(entries),
            },
            Self::Sequence { line, items } => Node {
                line,
                inside: Inside::Sequence(items),
            },
        }
    }
}

impl Node {
    fn scalar(text: String, line: usize) -> Self {
        Self {
            line,
            inside: Inside::Scalar(text),
        }
    }

    fn take_text(&mut self) -> String {
        match &mut self.inside {
            Inside::Scalar(text) => std::mem::take(text),
            Inside::Mapping(_) | Inside::Sequence(_) => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTE: &str = "\
---
metadata:
  annotations:
    example.com/a.b: x
spec:
  rules:
  - name: first
    backendRefs:
    - name: a
    -
      name: b
  - {name: second,
     backendRefs: [{name: c},
       {name: d}]}
";

    #[test]
    fn fields_are_found_by_path() {
        let lines = Lines::read(ROUTE);

        assert_eq!(lines.line(""), 2);
        assert_eq!(lines.line("spec"), 5);
        assert_eq!(lines.line("spec.rules[0]"), 7);
        assert_eq!(lines.line("spec.rules[0].backendRefs[1].name"), 11);
        assert_eq!(lines.line("spec.rules[1].backendRefs[1]"), 14);
    }

    #[test]
    fn keys_with_dots_are_found_in_either_spelling() {
        let lines = Lines::read(ROUTE);

        assert_eq!(lines.line("metadata.annotations.example.com/a.b"), 4);
        assert_eq!(lines.line("metadata.annotations[example.com/a.b]"), 4);
    }

    #[test]
    fn what_is_missing_is_where_it_would_be() {
        let lines = Lines::read(ROUTE);

        assert_eq!(lines.line("spec.rules[1].matches[0].path"), 12);
        assert_eq!(lines.line("spec.rules[7]"), 6);
        assert_eq!(lines.scalar("spec.rules[7]"), None);
    }

    #[test]
    fn text_before_a_mistake_is_found() {
        let lines = Lines::read("kind: Gateway\nmetadata:\n  name: web\nspec: ]\n");

        assert_eq!(lines.scalar("kind"), Some("Gateway"));
        assert_eq!(lines.scalar("metadata.name"), Some("web"));
    }

    #[test]
    fn json_is_found_as_well() {
        let lines = Lines::read("{\n  \"spec\": {\n    \"a\": [1,\n      2]\n  }\n}\n");

        assert_eq!(lines.line("spec.a[1]"), 4);
    }
}
