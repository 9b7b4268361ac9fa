use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

fn prefix_to(replacement: &str) -> PathModifier {
    PathModifier::replace_prefix_match(replacement).expect("valid")
}

#[test]
fn prefix_is_replaced_as_the_api_tabulates() {
    // HTTPPathModifier.replacePrefixMatch: path, matched prefix, replacement, modified path.
    let table = [
        ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
        ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
        ("/foo", "/foo", "/xyz", "/xyz"),
        ("/foo/", "/foo", "/xyz", "/xyz/"),
        ("/foo/bar", "/foo", "", "/bar"),
        ("/foo/", "/foo", "", "/"),
        ("/foo", "/foo", "", "/"),
        ("/foo/", "/foo", "/", "/"),
        ("/foo", "/foo", "/", "/"),
        ("/foo/bar", "/foo", "/", "/bar"),
        ("/foo/bar", "/", "/xyz", "/xyz/foo/bar"),
        ("/", "/", "/xyz", "/xyz/"),
        ("/foo//bar", "/foo", "/", "/bar"),
        ("/foo//bar", "/foo", "/xyz", "/xyz//bar"),
    ];

    for (path, prefix, replacement, expected) in table {
        let modified = prefix_to(replacement)
            .apply(path, Some(prefix))
            .into_owned();

        assert_eq!(
            modified, expected,
            "{path} with {prefix} to {replacement:?}"
        );
    }
}

#[test]
fn path_element_is_not_split() {
    assert_eq!(prefix_to("/xyz").apply("/foobar", Some("/foo")), "/foobar");
}

#[test]
fn whole_path_gives_way_to_a_full_path() {
    let modifier = PathModifier::replace_full_path("/one/").expect("valid");

    assert_eq!(modifier.apply("/foo/bar", Some("/foo")), "/one/");
}

#[test]
fn empty_full_path_is_the_root() {
    let modifier = PathModifier::replace_full_path("").expect("valid");

    assert_eq!(modifier.apply("/foo", None), "/");
}

#[test]
fn unknown_prefix_is_the_root() {
    assert_eq!(prefix_to("/xyz").apply("/foo", None), "/xyz/foo");
}

#[test]
fn stripping_a_prefix_copies_nothing() {
    let modifier = prefix_to("/");

    assert!(matches!(
        modifier.apply("/foo/bar", Some("/foo")),
        Cow::Borrowed("/bar")
    ));
}

#[test]
fn relative_path_is_refused() {
    let error = PathModifier::replace_full_path("one").expect_err("relative");

    assert_eq!(error.to_string(), "\"one\" does not start with a slash");
}

#[test]
fn query_and_fragment_are_refused() {
    for (path, character) in [("/a?b", '?'), ("/a#b", '#'), ("/a b", ' '), ("/ä", 'ä')] {
        let expected = InvalidPath::Character {
            path: path.to_owned(),
            character,
        };

        assert_eq!(ReplacementPath::new(path), Err(expected));
    }
}

#[test]
fn half_an_escape_is_refused() {
    for path in ["/%", "/%2", "/%zz", "/%20%"] {
        let expected = InvalidPath::Escape {
            path: path.to_owned(),
        };

        assert_eq!(ReplacementPath::new(path), Err(expected));
    }
}

/// Paths without doubled slashes, some with a trailing one.
fn paths() -> impl Strategy<Value = String> {
    "(/[a-c]{1,2}){0,4}/?".prop_map(|path| match path.as_str() {
        "" => "/".to_owned(),
        _ => path,
    })
}

proptest! {
    /// What `PathModifier` accepts can stand in a URI.
    #[test]
    fn accepted_paths_are_uri_paths(path in "/?[ -~ä]{0,12}") {
        if let Ok(replacement) = ReplacementPath::new(&path) {
            let uri: http::uri::PathAndQuery = replacement.as_str().parse().expect("a path");

            prop_assert_eq!(uri.path(), replacement.as_str());
            prop_assert_eq!(uri.query(), None);
        }
    }

    /// A modified path starts with a slash, and no slash is doubled.
    #[test]
    fn slashes_are_never_doubled(path in paths(), prefix in paths(), replacement in paths()) {
        let modifier = prefix_to(&replacement);
        let modified = modifier.apply(&path, Some(&prefix));

        prop_assert!(modified.starts_with('/'));
        prop_assert!(!modified.contains("//"), "{modified}");
    }

    /// The elements after the prefix are those of the request, behind those of the replacement.
    #[test]
    fn elements_after_the_prefix_are_kept(
        prefix in paths(),
        rest in paths(),
        replacement in paths(),
    ) {
        let elements = |path: &str| -> Vec<String> {
            path.split('/').filter(|e| !e.is_empty()).map(str::to_owned).collect()
        };
        let path = [prefix.trim_end_matches('/'), &rest].concat();

        let modifier = prefix_to(&replacement);
        let modified = modifier.apply(&path, Some(&prefix));

        let expected = [elements(&replacement), elements(&rest)].concat();
        prop_assert_eq!(elements(&modified), expected);
        prop_assert_eq!(modified.ends_with('/'), rest.ends_with('/') || modified == "/");
    }

    /// A prefix replaced by itself leaves the path as it is.
    #[test]
    fn prefix_replaced_by_itself_changes_nothing(prefix in paths(), rest in paths()) {
        let path = [prefix.trim_end_matches('/'), &rest].concat();

        let modifier = prefix_to(&prefix);

        prop_assert_eq!(modifier.apply(&path, Some(&prefix)), path.as_str());
    }

    /// Whatever the path and the prefix, nothing panics, and a slash stays in front.
    #[test]
    fn any_path_can_be_modified(path in "/.*", prefix in ".*", replacement in paths()) {
        prop_assert!(prefix_to(&replacement).apply(&path, Some(&prefix)).starts_with('/'));
    }
}
