//! Settings that no field of the API has: annotations of our own domain.
//!
//! `gateway-rs.dev/KEY` is about all parts of an object, such as the listeners of a
//! Gateway; `PART.gateway-rs.dev/KEY` about one of them, and comes before the other.
//! Annotations of other domains are none of our business.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

use super::field::Field;
use super::matches::unsupported;
use crate::verdict::Problem;

/// Our annotations of one object.
#[derive(Debug, Default)]
pub(super) struct Annotations<'a> {
    written: Vec<Setting<'a>>,
}

/// An annotation as it is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Setting<'a> {
    /// All of its name.
    name: &'a str,
    part: Option<&'a str>,
    key: &'a str,
    value: &'a str,
}

impl<'a> Annotations<'a> {
    pub(super) fn of(meta: &'a ObjectMeta) -> Self {
        let all = meta.annotations.iter().flatten();
        let ours = all.filter_map(|(name, value)| {
            let (domain, key) = name.split_once('/')?;
            let part = match domain.strip_suffix(DOMAIN)? {
                "" => None,
                part => Some(part.strip_suffix('.')?),
            };
            Some(Setting {
                name,
                part,
                key,
                value: value.trim(),
            })
        });

        Self {
            written: ours.collect(),
        }
    }

    /// What is set for a part.
    pub(super) fn get(&self, part: &str, key: &str) -> Option<Setting<'a>> {
        let of = |wanted: Option<&str>| {
            let mut written = self.written.iter();
            written.find(|one| one.part == wanted && one.key == key)
        };

        of(Some(part)).or_else(|| of(None)).copied()
    }

    /// What is set for the object as a whole.
    pub(super) fn whole(&self, key: &str) -> Option<Setting<'a>> {
        let mut written = self.written.iter();

        written
            .find(|one| one.part.is_none() && one.key == key)
            .copied()
    }

    /// Those of parts with keys that are about the object as a whole.
    pub(super) fn misplaced(&self, keys: &[&str]) -> Vec<Problem> {
        let written = self.written.iter();
        let misplaced = written.filter(|one| one.is_of_part() && keys.contains(&one.key));
        let problems = misplaced.map(|one| {
            let problem = one.problem("is not about a part of the object");
            problem.remedy(format!("write it as {DOMAIN}/{}", one.key))
        });

        problems.collect()
    }

    /// Those that mean nothing: keys that are not `known`, and parts that the object
    /// does not have.
    pub(super) fn strays(&self, known: &[&str], is_part: impl Fn(&str) -> bool) -> Vec<Problem> {
        let stray = |one: &Setting<'_>| match one.part {
            _ if !known.contains(&one.key) => {
                let problem = one.problem("is not a setting of this kind of object");
                Some(match known {
                    [] => problem.remedy("remove it"),
                    known => problem.remedy(format!("use one of {}", known.join(", "))),
                })
            }
            Some(part) if !is_part(part) => {
                Some(one.problem(format!("the object has no part called {part}")))
            }
            Some(_) | None => None,
        };

        self.written.iter().filter_map(stray).collect()
    }
}

impl Setting<'_> {
    /// Whether it is about one part of the object, and not about all.
    pub(super) fn is_of_part(self) -> bool {
        self.part.is_some()
    }

    /// What it says.
    ///
    /// # Errors
    ///
    /// What `read` finds wrong with it.
    pub(super) fn read<T>(self, read: fn(&str) -> Result<T, String>) -> Result<T, Problem> {
        read(self.value).map_err(|message| self.problem(message))
    }

    /// Something that is wrong with it.
    pub(super) fn problem(self, message: impl Into<String>) -> Problem {
        let at = Field::ANNOTATIONS;

        unsupported(message, &at.name(self.name))
    }
}

const DOMAIN: &str = "gateway-rs.dev";

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(annotations: &[(&str, &str)]) -> ObjectMeta {
        let annotations = annotations.iter();
        let annotations = annotations.map(|(name, value)| ((*name).into(), (*value).into()));
        ObjectMeta {
            annotations: Some(annotations.collect()),
            ..ObjectMeta::default()
        }
    }

    #[test]
    fn the_part_comes_before_the_whole() {
        let meta = meta(&[
            ("gateway-rs.dev/limit", "1"),
            ("a.b.gateway-rs.dev/limit", "2"),
        ]);
        let annotations = Annotations::of(&meta);

        let limit = |part| annotations.get(part, "limit").map(|one| one.value);
        assert_eq!(limit("a.b"), Some("2"));
        assert_eq!(limit("a"), Some("1"));
        assert_eq!(annotations.whole("limit").map(|one| one.value), Some("1"));
    }

    #[test]
    fn those_of_others_are_left_alone() {
        let meta = meta(&[
            ("example.com/limit", "1"),
            ("not-gateway-rs.dev/limit", "1"),
            ("limit", "1"),
        ]);

        assert!(Annotations::of(&meta).written.is_empty());
    }

    #[test]
    fn those_that_mean_nothing_are_told_of() {
        let meta = meta(&[
            ("gateway-rs.dev/limit", "1"),
            ("gateway-rs.dev/limits", "1"),
            ("b.gateway-rs.dev/limit", "1"),
        ]);

        let strays = Annotations::of(&meta).strays(&["limit"], |part| part == "a");
        let fields: Vec<_> = strays.iter().filter_map(|one| one.field.clone()).collect();
        assert_eq!(
            fields,
            [
                "metadata.annotations.b.gateway-rs.dev/limit",
                "metadata.annotations.gateway-rs.dev/limits",
            ]
        );
    }
}
