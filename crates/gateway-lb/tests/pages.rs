//! Every module that does something has a page that answers the same questions.

use std::fs;
use std::path::Path;

const QUESTIONS: [&str; 5] = [
    "by default",
    "for each request",
    "misconfigured",
    "overloaded",
    "dropped half-way",
];

#[test]
fn every_page_says_what_a_module_does_when_things_go_wrong() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut pages = 0;
    for entry in fs::read_dir(src).expect("the crate has sources") {
        let folder = entry.expect("readable").path();
        if !folder.is_dir() {
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
    assert!(pages > 5, "{pages} pages");
}
