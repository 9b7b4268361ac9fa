//! Every filter has a page that answers the same questions.

use std::fs;
use std::path::Path;

/// No filters by themselves: what others are made of, or said where they are used.
const PARTS: [&str; 5] = ["ext_auth", "ext_authz", "inquiry", "path", "template"];

const QUESTIONS: [&str; 5] = [
    "by default",
    "for each request",
    "misconfigured",
    "overloaded",
    "dropped half-way",
];

#[test]
fn every_page_says_what_a_filter_does_when_things_go_wrong() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut pages = 0;
    for entry in fs::read_dir(src).expect("the crate has sources") {
        let folder = entry.expect("readable").path();
        let name = folder.file_name().and_then(|name| name.to_str());
        if !folder.is_dir() || name.is_some_and(|name| PARTS.contains(&name)) {
            continue;
        }
        let page = fs::read_to_string(folder.join("mod.rs")).expect("a page");
        for question in QUESTIONS {
            let answered = page.lines().any(|line| {
                let row = line.strip_prefix("//! | ");
                let answer = row.and_then(|row| row.strip_prefix(question));
                answer.is_some_and(|answer| answer.trim_matches([' ', '|']).len() > 5)
            });
            assert!(answered, "{}: {question}", folder.display());
        }
        pages += 1;
    }
    assert!(pages > 20, "{pages} pages");
}
